{
  build,
  imageAttributes,
  mentionedPaths,
  mergeParent,
  mkConfig,
  mkLayer,
  mkLayers,
  pkgs,
  planLayers,
  storeName,
}:

/**
  Build an image from layers and a config: an OCI image layout whose layer blobs are links to the store.

  # Type

  ```
  mkImage :: {
    name :: String,
    tag :: String | [ String ],
    layers :: [ Layer ],
    copyToRoot :: Source | [ Source ],
    files :: { <path> :: { text | source | link :: String } | { directory :: true }, … },
    config :: AttrSet,
    lenientConfig :: Bool,
    fromImage :: Image | Path | null,
    created :: Int | String,
    architecture, os :: String,
    variant :: String | null,
    annotations :: { <key> :: String },
    maxLayers :: Int,
    layering :: "single" | "ca" | "ifd",
    compressor :: "none" | "gzip" | "zstd" | String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  The layers are, from the base: those of `fromImage`, `layers`, one of `copyToRoot` and `files`, and those of the store
  paths that `config` mentions and no other layer contains: one, or at most `maxLayers`.

  The result has the attributes `imageName`, `imageTag`, `layers`, `config` and `platform`; built on demand,
  the transport forms `dockerArchive`, `dockerLegacyArchive`, `dir`, `facts` and `oci`, and the
  programs `stream` and `run`.  As text (`"${image}"`) it is the path of its `dockerArchive`.

  # Example

  ```nix
  mkImage {
    name = "hello";
    config.Cmd = [ "${pkgs.hello}/bin/hello" ];
  }
  ```
*/
{
  name,
  tag ? "latest",
  layers ? [ ],
  copyToRoot ? [ ],
  files ? { },
  config ? { },
  lenientConfig ? false,
  fromImage ? null,
  created ? 1,
  architecture ? pkgs.stdenv.hostPlatform.go.GOARCH,
  os ? "linux",
  variant ? null,
  annotations ? { },
  maxLayers ? 1,
  layering ? "single",
  compressor ? "none",
  blob ? true,
  meta ? { },
  passthru ? { },
}:

let
  tags = if builtins.isList tag then tag else [ tag ];

  # Any text makes a derivation name; mk-image checks that `name` is a valid image name.
  baseName = storeName name;

  parentLayers = fromImage.layers or [ ];
  rootLayers =
    if copyToRoot == [ ] && files == { } then
      [ ]
    else
      [
        (mkLayer {
          name = "root";
          exclude = parentLayers ++ layers;
          inherit copyToRoot files compressor;
        })
      ];
  givenLayers = layers ++ rootLayers;

  # If evaluation cannot tell what the config mentions, a derivation writes the config, and Nix scans that.
  mentioned = mentionedPaths config;
  configFile = mkConfig {
    name = "${baseName}-config.json";
    inherit config lenientConfig;
  };
  mentionedRoots = if mentioned == null then [ configFile ] else mentioned;
  omitRoot = if mentioned == null then [ configFile ] else [ ];
  layersBelow = parentLayers ++ givenLayers;
  mentionedLayer = mkLayer {
    name = "mentioned";
    closure = mentionedRoots;
    exclude = layersBelow;
    inherit omitRoot blob compressor;
  };
  plannedLayers = mkLayers {
    name = "mentioned-layers";
    plan = planLayers {
      closure = mentionedRoots;
      base = layersBelow;
      inherit omitRoot maxLayers;
    };
    inherit layering blob compressor;
  };
  mentionedLayers =
    if mentionedRoots == [ ] then
      [ ]
    else if maxLayers == 1 then
      [ mentionedLayer ]
    else
      [ plannedLayers ];

  image = build "mk-image" {
    name = baseName;
    inherit meta;
    request = {
      inherit
        name
        created
        architecture
        os
        variant
        config
        ;
      lenient-config = lenientConfig;
      tag = tags;
      layer = givenLayers;
      layer-unless-empty = mentionedLayers;
      annotation = map (key: "${key}=${annotations.${key}}") (builtins.attrNames annotations);
    };
    passthru = {
      isImageDirectory = true;
      imageName = name;
      imageTag = builtins.head tags;
      layers = givenLayers ++ mentionedLayers;
      platform = "${os}/${architecture}" + (if variant == null then "" else "/${variant}");
      inherit config;
    }
    // passthru;
    attributes = imageAttributes;
  };
in
if fromImage == null then
  image
else
  mergeParent {
    parent = fromImage;
    inherit image meta passthru;
  }
