{
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
    name :: String,
    tag :: String | [ String ] | null,
    layers :: [ Layer ],
    config :: AttrSet | null,
    fromImage :: Image | Path | null,
    fromImageName, fromImageTag :: String | null,
    created :: Int | String,
    architecture :: String,
    annotations :: { <key> :: String },
  } -> Image
  ```

  If `tag` is null, the tag is the hash in the store path that the image has when it is tagged "latest".
  `layers` must contain the store paths that `config` mentions: none are added for it.
*/
{
  name,
  tag,
  layers,
  config,
  fromImage,
  fromImageName ? null,
  fromImageTag ? null,
  created,
  architecture,
  annotations,
}:

let
  parent = parentInfo fromImage;

  # Without string context, so that mkImage adds no layer of the store paths that the config mentions.
  plainConfig = builtins.fromJSON (builtins.unsafeDiscardStringContext (builtins.toJSON config));

  parentName =
    if fromImageName != null then
      fromImageName
    else
      fromImage.imageName
        or (throw "laminix: dockerTools: `fromImageTag` (\"${fromImageTag}\") is given without `fromImageName`, and `fromImage` has no `imageName` to combine it with. Give `fromImageName` too. (image ${name})");
  parentImage =
    if fromImageTag != null then
      "${parentName}:${fromImageTag}"
    else
      fromImageName;

  tagged =
    tags:
    let
      image = mkImage {
        name = toLower name;
        tag = tags;
        config = if config == null then { } else plainConfig;
        lenientConfig = true;
        inherit
          layers
          created
          architecture
          annotations
          ;
      };
    in
    if fromImage == null then
      image
    else
      mergeParent {
        parent = parent.image;
        # If all layers below are known, their store paths are already left out of the new ones.
        skipExisting = !parent.allLayersKnown;
        inherit parentImage image;
      };

  # Without string context, so that the tag adds no image to a closure.
  hashOf =
    image: builtins.substring 0 32 (baseNameOf (builtins.unsafeDiscardStringContext image.outPath));
in
tagged (if tag == null then hashOf (tagged "latest") else tag)
