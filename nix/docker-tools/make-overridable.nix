{ pkgs }:

/**
  Add `override` to the result of a function.  This is nixpkgs' lib.makeOverridable, or a stand-in for it if
  `pkgs` has no lib.

  # Type

  ```
  makeOverridable :: (AttrSet -> AttrSet) -> (AttrSet -> AttrSet)
  ```

  The result is a functor.  Its `__functionArgs` are the arguments of the function, as for lib.functionArgs.
*/
let
  standIn = function: {
    __functionArgs = function.__functionArgs or (builtins.functionArgs function);
    __functor =
      self: arguments:
      function arguments
      // {
        override =
          changes:
          self (arguments // (if builtins.isFunction changes then changes arguments else changes));
      };
  };
in
pkgs.lib.makeOverridable or standIn
