{ pkgs }:

/**
  Run bash commands as a derivation.  They create `$out`.

  # Type

  ```
  runBash :: String -> AttrSet -> String -> Derivation
  ```

  The arguments are the derivation's name, the environment variables of the commands, and the commands.
*/
name: attributes: commands:

derivation (
  {
    inherit name;
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "${pkgs.buildPackages.bash}/bin/bash";
    # `exit` keeps bash from replacing itself by the last command: Nix kills a builder once it has closed its
    # standard output, which cp does before it exits.
    args = [
      "-euo"
      "pipefail"
      "-c"
      "${commands}\nexit"
    ];
    PATH = "${pkgs.buildPackages.coreutils}/bin";
  }
  // attributes
)
// {
  outputs = [ "out" ];
}
