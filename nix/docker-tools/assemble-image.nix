{
  creationTime,
  goArchitecture,
  imageOfParent,
  mergeParent,
  mkImage,
  parentInfo,
  toLower,
}:

/**
  Build an image directory from layers, on top of `fromImage` if it is given, tagged as dockerTools tags it.

  # Type

  ```
  assembleImage :: {
    function :: String,
    name :: String,
    tag :: String | [ String ] | null,
    layers :: [ Layer ],
    config :: AttrSet | null,
    fromImage :: Image | Path | null,
    fromImageName, fromImageTag :: String | null,
    inheritConfig :: "all" | "env" | "none",
    created :: Int | String,
    architecture :: String,
    annotations :: { <key> :: String },
  } -> Image
  ```

  If `tag` is null, the tag is the hash in the store path that the image has when it is tagged "latest".
  Errors name `function`, that of dockerTools.

  `layers` must contain the store paths that `config` mentions: none are added for it.
*/
{
  function,
  name,
  tag,
  layers,
  config,
  fromImage,
  fromImageName ? null,
  fromImageTag ? null,
  inheritConfig,
  created,
  architecture,
  annotations,
}:

let
  parent = parentInfo fromImage;

  # Without string context, so that mkImage adds no layer of the store paths that the config mentions.
  plainConfig = builtins.fromJSON (builtins.unsafeDiscardStringContext (builtins.toJSON config));

  parentImage = imageOfParent {
    image = name;
    inherit fromImage fromImageName fromImageTag;
  };

  tagged =
    tags:
    let
      image = mkImage {
        name = toLower name;
        tag = tags;
        config = if config == null then { } else plainConfig;
        lenientConfig = true;
        created = creationTime {
          image = name;
          inherit function;
        } created;
        architecture = goArchitecture architecture;
        inherit layers annotations;
      };
    in
    if fromImage == null then
      image
    else
      mergeParent {
        parent = parent.image;
        # If all layers below are known, their store paths are already left out of the new ones.
        skipExisting = !parent.allLayersKnown;
        inherit inheritConfig parentImage image;
      };

  # Without string context, so that the tag adds no image to a closure.
  hashOf =
    image: builtins.substring 0 32 (baseNameOf (builtins.unsafeDiscardStringContext image.outPath));
in
tagged (if tag == null then hashOf (tagged "latest") else tag)
