{ pkgs }:

/**
  The packages on PATH of a user's commands: those that nixpkgs' stdenv.mkDerivation puts there, or the most needed
  of them if `pkgs` has no such list.

  # Type

  ```
  commandTools :: [ Derivation ]
  ```
*/
pkgs.stdenv.initialPath or [
  pkgs.buildPackages.coreutils
  pkgs.buildPackages.busybox
]
++ [ pkgs.buildPackages.bash ]
