{ pkgs }:

/**
  A derivation that bash commands make: what they leave at `$out`.

  # Type

  ```
  runBash :: String -> AttrSet -> String -> Derivation
  ```

  The attributes are variables to the commands.
*/
name: attributes: commands:

derivation (
  {
    inherit name;
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "${pkgs.buildPackages.bash}/bin/bash";
    args = [
      "-euc"
      commands
    ];
    PATH = "${pkgs.buildPackages.coreutils}/bin";
  }
  // attributes
)
