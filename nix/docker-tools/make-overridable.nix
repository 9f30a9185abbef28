{ pkgs }:

/**
  Add `override` to what a function returns: nixpkgs' lib.makeOverridable, or a stand-in where there is none.

  # Type

  ```
  makeOverridable :: (AttrSet -> AttrSet) -> (AttrSet -> AttrSet)
  ```

  The result is a functor whose `__functionArgs` are the function's arguments, as lib.functionArgs reads them.
*/
let
  standIn = function: {
    __functionArgs = function.__functionArgs or (builtins.functionArgs function);
    __functor =
      self: arguments:
      function arguments
      // {
        override =
          changes: self (arguments // (if builtins.isFunction changes then changes arguments else changes));
      };
  };
in
pkgs.lib.makeOverridable or standIn
