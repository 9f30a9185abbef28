{ build, unpackImage }:

/**
  Build an OCI runtime bundle of an image, for runc, crun and systemd-nspawn.

  # Type

  ```
  mkBundle :: {
    name :: String,
    image :: Image | Path,
    imageName, platform :: String | null,
    command :: [ String ],
    entrypoint :: String | null,
    env :: { <name> :: String },
    user, workdir :: String | null,
    network :: "none" | "host",
    terminal :: Bool,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The bundle takes kilobytes: its config.json mounts what the image contains from the store.

  # Example

  ```nix
  mkBundle { image = mkImage { name = "hello"; config.Cmd = [ "${pkgs.hello}/bin/hello" ]; }; }
  ```
*/
{
  name ? "bundle",
  image,
  imageName ? null,
  platform ? image.platform or null,
  command ? [ ],
  entrypoint ? null,
  env ? { },
  user ? null,
  workdir ? null,
  network ? "none",
  terminal ? false,
  meta ? { },
  passthru ? { },
}:

let
  # Layers from elsewhere are tarballs, which the store unpacks once for all bundles.
  isOfLinks = image.isImageDirectory or false && !(image ? parent);
  unpacked = unpackImage { inherit image imageName platform; };
  closure = builtins.concatMap (layer: layer.contents or [ ]) image.layers;
in
build "mk-bundle" {
  inherit name meta passthru;
  request = {
    IMAGE = if isOfLinks then image else unpacked;
    image = if isOfLinks then imageName else null;
    platform = if isOfLinks then platform else null;
    COMMAND = command;
    env = map (variable: "${variable}=${env.${variable}}") (builtins.attrNames env);
    inherit
      entrypoint
      user
      workdir
      network
      terminal
      ;
  };
  # The layers do not refer to the store paths that they contain; the bundle does.
  ${if isOfLinks && closure != [ ] then "exportReferencesGraph" else null}.closure = closure;
}
