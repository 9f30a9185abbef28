{ pkgs }:

/**
  The function, with `override` on what it returns: nixpkgs' makeOverridable, or as much of it as counts here.

  # Type

  ```
  overridable :: (AttrSet -> AttrSet) -> (AttrSet -> AttrSet)
  ```
*/
let
  own = function: {
    __functionArgs = builtins.functionArgs function;
    __functor =
      self: arguments:
      function arguments
      // {
        override =
          changes: self (arguments // (if builtins.isFunction changes then changes arguments else changes));
      };
  };
in
pkgs.lib.makeOverridable or own
