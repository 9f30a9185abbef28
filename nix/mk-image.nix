{
  build,
  imageAttributes,
  mentionedPaths,
  mergeParent,
  mkConfig,
  mkLayer,
  mkLayers,
  parentInfo,
  pkgs,
  planLayers,
  sourceRoots,
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
    perms :: [ { path | glob :: String, … } ],
    maxLayers :: Int,
    layering :: "single" | "ca" | "ifd",
    config :: AttrSet,
    lenientConfig :: Bool,
    fromImage :: Image | Path | null,
    created :: Int | String,
    architecture, os :: String,
    variant :: String | null,
    annotations :: { <key> :: String },
    compressor :: "none" | "gzip" | "zstd" | String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  The layers are, from the base: those of `fromImage`, `layers`, those of the store paths that the files and `config`
  refer to and no other layer contains, as planLayers plans them, and one of `copyToRoot` and `files`.

  The result has the attributes `imageName`, `imageTag`, `layers`, `plan`, `config` and `platform`; built on demand,
  the transport forms `dockerArchive`, `dockerLegacyArchive`, `dir`, `facts`, `oci` and `ociArchive`, and the
  programs `stream` and `run`.  As text (`"${image}"`) it is the path of its `dockerArchive`.

  # Example

  ```nix
  mkImage {
    name = "hello";
    copyToRoot = ./root;
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
  perms ? [ ],
  maxLayers ? 100,
  layering ? "single",
  config ? { },
  lenientConfig ? false,
  fromImage ? null,
  created ? 1,
  architecture ? pkgs.stdenv.hostPlatform.go.GOARCH,
  os ? "linux",
  variant ? null,
  annotations ? { },
  compressor ? "none",
  blob ? true,
  meta ? { },
  passthru ? { },
}:

let
  tags = if builtins.isList tag then tag else [ tag ];

  # Any text makes a derivation name; mk-image checks that `name` is a valid image name.
  baseName = storeName name;

  # If evaluation cannot tell what the config mentions, a derivation writes the config, and Nix scans that.
  mentioned = mentionedPaths config;
  configFile = mkConfig {
    name = "${baseName}-config.json";
    inherit config lenientConfig;
  };
  configRoots = if mentioned == null then [ configFile ] else mentioned;
  needed = sourceRoots "mkImage" {
    closure = configRoots;
    inherit copyToRoot files;
  };

  # laminix's layers come with a list of their store paths; an image of other layers has to be read.
  parent = parentInfo fromImage;
  parentLayers = if parent.allLayersKnown then parent.layers else [ parent.image ];

  # Neither name depends on the image's: images with the same store paths share these derivations.
  plan = planLayers {
    inherit (needed) closure;
    omitRoot = needed.omitRoot ++ (if mentioned == null then [ configFile ] else [ ]);
    maxLayers = if maxLayers > 1 then maxLayers - 1 else 1; # one is for the files
    minLayers = 1;
    base = parentLayers ++ layers;
    platform = if parent.allLayersKnown then null else platform;
    countBase = true;
  };
  storeLayers =
    if needed.closure == [ ] then
      [ ]
    else
      [
        (mkLayers {
          name = "store-layers";
          passthru.contents = needed.closure;
          inherit
            plan
            layering
            blob
            compressor
            ;
        })
      ];

  # On top and without store paths, so that an edit of the files changes this layer alone.
  fileLayers =
    if copyToRoot == [ ] && files == { } then
      [ ]
    else
      [
        (mkLayer {
          name = "files";
          references = false;
          # A recipe copies from store paths; single files are written into the layer.
          blob = blob || files != { };
          inherit
            copyToRoot
            files
            perms
            compressor
            ;
        })
      ];

  allLayers = layers ++ storeLayers ++ fileLayers;
  platform = "${os}/${architecture}" + (if variant == null then "" else "/${variant}");

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
      layer = allLayers;
      annotation = map (key: "${key}=${annotations.${key}}") (builtins.attrNames annotations);
    };
    passthru = {
      isImageDirectory = true;
      imageName = name;
      imageTag = builtins.head tags;
      layers = allLayers;
      ${if storeLayers == [ ] then null else "plan"} = plan;
      inherit config platform;
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
