{ pkgs }:

/**
  Add `override` and `overrideAttrs` to the result of a function.  This is nixpkgs' lib.makeOverridable, or a
  stand-in for it if `pkgs` has no lib.

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
      let
        result = function arguments;
        overrideAttrs =
          change:
          standIn {
            inherit (self) __functionArgs;
            __functor = _: others: (function others).overrideAttrs change;
          } arguments;
      in
      result
      // {
        override =
          changes:
          self (arguments // (if builtins.isFunction changes then changes arguments else changes));
      }
      // (if result ? overrideAttrs then { inherit overrideAttrs; } else { });
  };
in
pkgs.lib.makeOverridable or standIn
