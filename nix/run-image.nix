{
  binOutput,
  builderProgram,
  imageDirectory,
  pkgs,
}:

/**
  Build a program that runs an image in a container, without an engine, daemon or root.

  # Type

  ```
  runImage :: {
    name :: String,
    image :: Image | Path,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The result is the executable itself; `bin` is a package of it, for `lib.getExe`.  Its arguments are a command in place of the image's own.

  # Example

  ```nix
  runImage { image = mkImage { name = "hello"; config.Cmd = [ "${pkgs.hello}/bin/hello" ]; }; }
  ```
*/
{
  name ? "run",
  image,
  meta ? { },
  passthru ? { },
}:

let
  executable = derivation {
    inherit name;
    inherit (pkgs.stdenv.buildPlatform) system;
    program = ''
      #!/bin/sh
      exec ${builderProgram "run-image"} ${imageDirectory image} "$@"
    '';
    passAsFile = [ "program" ];
    builder = pkgs.buildPackages.python3.interpreter;
    args = [
      "-I"
      "-B"
      "-c"
      ''
        import os, shutil

        shutil.copyfile(os.environ["programPath"], os.environ["out"])
        os.chmod(os.environ["out"], 0o755)
      ''
    ];
  };
  program = executable // {
    meta = {
      mainProgram = name;
    }
    // meta;
  };
in
program
// binOutput program
// passthru
// {
  inherit (program) meta;
  inherit passthru;
}
