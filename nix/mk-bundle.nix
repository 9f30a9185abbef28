{
  build,
  decompressorPackages,
  unpackImage,
}:

/**
  Build an OCI runtime bundle of an image, for runc and crun, or for systemd-nspawn.

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
    copy, terminal :: Bool,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The bundle takes kilobytes: its config.json mounts what the image contains from the store.  With `copy` it contains
  all files, as systemd-nspawn needs it.

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
  copy ? false,
  terminal ? false,
  meta ? { },
  passthru ? { },
}:

let
  # Layers from elsewhere are tarballs, which the store unpacks once for all bundles.
  isOfLinks = image.isImageDirectory or false && !(image ? parent);
  unpacked = unpackImage { inherit image imageName platform; };
  takesImage = copy || isOfLinks;
  closure = builtins.concatMap (layer: layer.contents or [ ]) (image.layers or [ ]);
in
build "mk-bundle" {
  inherit name meta passthru;
  request = {
    IMAGE = if takesImage then image else unpacked;
    image = if takesImage then imageName else null;
    platform = if takesImage then platform else null;
    COMMAND = command;
    env = map (variable: "${variable}=${env.${variable}}") (builtins.attrNames env);
    inherit
      entrypoint
      user
      workdir
      network
      copy
      terminal
      ;
  };
  tools = if copy then decompressorPackages else [ ];
  # The layers do not refer to the store paths that they contain; the bundle does.
  ${if isOfLinks && !copy && closure != [ ] then "exportReferencesGraph" else null}.closure = closure;
}
