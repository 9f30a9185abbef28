{
  builderProgram,
  decompressorPackages,
  pkgs,
}:

/**
  Make a package for `nix run` whose program runs a builder, in the user's environment.

  # Type

  ```
  runnable :: { name, builder, arguments :: String } -> Derivation
  ```

  `arguments` are those of the builder, in shell syntax; the program's own arguments follow them.
*/
{
  name,
  builder,
  arguments,
}:

derivation {
  name = "${name}-${builder}";
  inherit (pkgs.stdenv.buildPlatform) system;
  program = "bin/${builder}";
  # The tools come last on $PATH: the user's own engines and credential helpers are found first.
  text = ''
    #!/bin/sh
    PATH=$PATH${builtins.concatStringsSep "" (map (tool: ":${tool}/bin") decompressorPackages)}
    export PATH
    exec ${builderProgram builder} ${arguments} "$@"
  '';
  passAsFile = [ "text" ];
  builder = pkgs.buildPackages.python3.interpreter;
  args = [
    "-I"
    "-B"
    "-c"
    ''
      import os, shutil

      program = f"{os.environ['out']}/{os.environ['program']}"
      os.makedirs(os.path.dirname(program))
      shutil.copyfile(os.environ["textPath"], program)
      os.chmod(program, 0o755)
    ''
  ];
}
// {
  meta.mainProgram = builder;
}
