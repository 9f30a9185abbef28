{
  mergeParent,
  mkImage,
  parentInfo,
  toLower,
}:

/**
  The image directory of layers on a base, with the tag that dockerTools would give it.

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

  The tag null is the hash in the store path of the image, as it is under another tag.  What `config`
  mentions does not come along: it is in the layers where it is to be in the image.
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

  # Without the context of its strings, which would have mkImage pack what the config mentions.
  plainConfig = builtins.fromJSON (builtins.unsafeDiscardStringContext (builtins.toJSON config));

  parentName =
    if fromImageName != null then
      fromImageName
    else
      fromImage.imageName or (throw "dockerTools: fromImageTag = \"${fromImageTag}\" without fromImageName");
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
        # Of a base of ours the layers are known, and were left out by their store paths.
        skipExisting = !parent.isOurs;
        inherit parentImage image;
      };

  hashOf = drv: builtins.substring 0 32 (baseNameOf (builtins.unsafeDiscardStringContext drv.outPath));
in
tagged (if tag == null then hashOf (tagged "latest") else tag)
