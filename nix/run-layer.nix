{
  build,
  compressorPackages,
  mentionedPaths,
  mkConfig,
  unpackImage,
}:

/**
  Run a script as root on the files of an image, and build a layer of what it changes: RUN of a Dockerfile.

  # Type

  ```
  runLayer :: {
    name :: String,
    parent :: Image | Path | null,
    parentImage, platform :: String | null,
    layers :: [ Layer ],
    script :: String | Path,
    shell :: String,
    tools :: [ Derivation ],
    env :: { <name> :: String },
    user :: String,
    workdir :: String | null,
    parallel, keepTmp, devices, keepReferences :: Bool,
    mtime :: Int | String,
    compressor :: "none" | "gzip" | "zstd" | String,
    meta, passthru :: AttrSet,
  } -> Layer
  ```

  The script runs without privileges in the Nix sandbox; the owners and modes that it sets are recorded.  It
  sees the files of `parent` and `layers`, and of the store the closures of `tools` and of all store paths
  that it mentions.

  The result is a layer like mkLayer's.  To run a step after another one, add that to `layers`: each step is
  a derivation of its own.

  # Example

  ```nix
  runLayer {
    parent = ./debian.tar;
    script = "adduser --system --group web";
  }
  ```
*/
{
  name ? "run-layer",
  parent ? null,
  parentImage ? null,
  platform ? parent.platform or null,
  layers ? [ ],
  script,
  shell ? "/bin/sh",
  tools ? [ ],
  env ? { },
  user ? "0",
  workdir ? null,
  parallel ? false,
  keepTmp ? false,
  devices ? false,
  keepReferences ? false,
  mtime ? 1,
  compressor ? "none",
  meta ? { },
  passthru ? { },
}:

let
  unpacked =
    if parent == null || parent.isUnpackedImage or false then
      parent
    else
      unpackImage {
        image = parent;
        imageName = parentImage;
        inherit platform;
      };

  isFile = !builtins.isString script;

  # Where evaluation cannot tell what is mentioned, Nix finds it in the file that a derivation wrote.
  mentioned = mentionedPaths { inherit script shell env; };
  scriptFile = mkConfig {
    name = "${name}-mentions.json";
    config.Cmd = [
      "${script}"
      shell
    ]
    ++ builtins.attrValues env;
  };
  closure = tools ++ (if mentioned == null then [ scriptFile ] else mentioned);
in
build "run-layer" {
  inherit name meta;
  request = {
    parent = unpacked;
    layer = layers;
    script = if isFile then "${script}" else null;
    COMMAND =
      if isFile then
        null
      else
        [
          shell
          "-e"
          "-c"
          script
        ];
    tool = map (tool: "${tool}") tools;
    keep-tmp = keepTmp;
    env = map (variable: "${variable}=${env.${variable}}") (builtins.attrNames env);
    inherit
      user
      workdir
      parallel
      devices
      mtime
      compressor
      ;
  };
  ${if closure == [ ] then null else "exportReferencesGraph"}.closure = closure;
  unsafeDiscardReferences.out = !keepReferences;
  tools = compressorPackages compressor;
  passthru = {
    inherit compressor;
  }
  // passthru;
}
