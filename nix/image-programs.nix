{
  builderProgram,
  decompressorPackages,
  pkgs,
}:

/**
  Return programs that transfer an image when they are run, for `nix run`.

  # Type

  ```
  imagePrograms :: Image -> { push, load, serve, copyToRegistry, copyToDockerDaemon, copyToPodman :: Derivation }
  ```

  Each runs the builder of that name with the image as the first argument, followed by the program's own arguments.
*/
image:

let
  # Runs the builder `command` with `options` and the program's own arguments.
  program =
    command: options:
    derivation {
      name = "${image.name or "image"}-${command}";
      inherit (pkgs.stdenv.buildPlatform) system;
      inherit command;
      # The tools come last on $PATH: the user's own engines and credential helpers are found first.
      text = ''
        #!/bin/sh
        PATH=$PATH${builtins.concatStringsSep "" (map (tool: ":${tool}/bin") decompressorPackages)}
        export PATH
        exec ${builderProgram command} ${image} ${options} "$@"
      '';
      passAsFile = [ "text" ];
      builder = pkgs.buildPackages.python3.interpreter;
      args = [
        "-I"
        "-B"
        "-c"
        ''
          import os, shutil

          program = f"{os.environ['out']}/bin/{os.environ['command']}"
          os.makedirs(os.path.dirname(program))
          shutil.copyfile(os.environ["textPath"], program)
          os.chmod(program, 0o755)
        ''
      ];
    }
    // {
      meta.mainProgram = command;
    };
in
rec {
  push = program "push-image" "";
  load = program "load-image" "";
  serve = program "serve-image" "";

  # The names of nix2container.
  copyToRegistry = push;
  copyToDockerDaemon = program "load-image" "--engine docker";
  copyToPodman = program "load-image" "--engine podman";
}
