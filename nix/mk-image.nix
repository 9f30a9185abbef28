{
  build,
  mentionedPaths,
  mergeParent,
  mkConfig,
  mkLayer,
  pkgs,
  storeName,
  transportForms,
}:

/**
  Build an image from layers: an OCI image layout in which each layer's blob is a link to its store path.

  # Type

  ```
  mkImage :: {
    name :: String,
    tag :: String | [ String ],
    layers :: [ Layer ],
    copyToRoot :: Source | [ Source ],
    config :: AttrSet,
    fromImage :: Image | Path,
    created :: Int | String,
    architecture, os, variant :: String,
    annotations :: { <key> :: String },
    compressor :: String,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  `name` is `[registry[:port]/]path`, `tag` one tag or several.  `layers` are what mkLayer and mkLayers
  built, the lowest first; `copyToRoot` is one more, as mkLayer would make it, on top of them.  What
  `config` mentions and no layer has comes along in a last one.  `compressor` is that of these two.

  With `fromImage` the image's layers go on top of that image's, and its config is inherited as a
  Dockerfile's FROM does; mergeParent has more choices.

  The result has `imageName`, `imageTag`, `layers`, `config`, and in forms to carry away: `dockerArchive`,
  `dockerLegacyArchive`, `dir`, `oci`.

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
  config ? { },
  fromImage ? null,
  created ? 1,
  architecture ? pkgs.stdenv.hostPlatform.go.GOARCH,
  os ? "linux",
  variant ? null,
  annotations ? { },
  compressor ? "none",
  meta ? { },
  passthru ? { },
}:

let
  tags = if builtins.isList tag then tag else [ tag ];

  # Any text makes a derivation name; mk-image checks that `name` is a valid image name.
  baseName = storeName name;

  parentLayers = fromImage.layers or [ ];
  rootLayers =
    if copyToRoot == [ ] then
      [ ]
    else
      [
        (mkLayer {
          name = "root";
          exclude = parentLayers ++ layers;
          inherit copyToRoot compressor;
        })
      ];
  givenLayers = layers ++ rootLayers;

  # Where evaluation cannot tell what the config mentions, Nix finds it in the file that a derivation wrote.
  mentioned = mentionedPaths config;
  configFile = mkConfig {
    name = "${baseName}-config.json";
    inherit config;
  };
  mentionedLayers =
    if mentioned == [ ] then
      [ ]
    else
      [
        (mkLayer {
          name = "mentioned";
          closure = if mentioned == null then [ configFile ] else mentioned;
          omitRoot = if mentioned == null then [ configFile ] else [ ];
          exclude = parentLayers ++ givenLayers;
          inherit compressor;
        })
      ];

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
    // transportForms image
    // passthru;
  };
in
if fromImage == null then
  image
else
  mergeParent {
    parent = fromImage;
    inherit image meta passthru;
  }
