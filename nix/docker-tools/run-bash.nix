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
    # Bash stays to the end: Nix kills a builder that has closed its output, as cp does before it exits.
    args = [
      "-euc"
      "${commands}\nexit"
    ];
    PATH = "${pkgs.buildPackages.coreutils}/bin";
  }
  // attributes
)
