{ runnable }:

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
  program =
    builder: options:
    runnable {
      name = image.name or "image";
      arguments = "${image} ${options}";
      inherit builder;
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
