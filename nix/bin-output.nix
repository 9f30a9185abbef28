{ pkgs }:

/**
  Return the attribute with which `lib.getExe` finds a program whose derivation is the executable itself.

  # Type

  ```
  binOutput :: Derivation -> { bin :: Derivation }
  ```

  `lib.getExe` looks in the output `bin` for the program that `meta.mainProgram` names: `bin` is a package with a link
  of that name.  So both `${program}` and `${lib.getExe program}` run, and `nix run` runs `bin`.
*/
program:

{
  bin =
    derivation {
      name = "${program.name}-bin";
      inherit (pkgs.stdenv.buildPlatform) system;
      inherit (program.meta) mainProgram;
      inherit program;
      builder = pkgs.buildPackages.python3.interpreter;
      args = [
        "-I"
        "-B"
        "-c"
        ''
          import os

          directory = os.path.join(os.environ["out"], "bin")
          os.makedirs(directory)
          os.symlink(os.environ["program"], os.path.join(directory, os.environ["mainProgram"]))
        ''
      ];
    }
    // {
      inherit (program) meta;
    };
}
