{
  build,
  decompressorPackages,
  imageAttributes,
  imageDirectory,
  packImage,
}:

/**
  Put an image on a parent image: the layers of the parent, then those of the image.

  # Type

  ```
  mergeParent :: {
    parent :: Image | Path,
    parentImage, platform :: String | null,
    image :: Image,
    inheritConfig :: "all" | "env" | "none",
    skipExisting, allowMissing :: Bool,
    name :: String,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  If laminix did not build `parent`, one derivation unpacks its blobs, and all images on this parent share it.

  Directories that the parent has keep its owner and mode, unless a rule of `perms` sets them in `image`.

  The result has the same attributes as mkImage's.
*/
{
  parent,
  parentImage ? null,
  platform ? image.platform or null,
  image,
  inheritConfig ? "all",
  skipExisting ? false,
  allowMissing ? false,
  name ? (imageDirectory image).name or "image",
  meta ? { },
  passthru ? { },
}:

let
  unpacked = packImage {
    image = parent;
    imageName = parentImage;
    format = "oci";
    inherit platform;
  };
  isImageDirectory = parent.isImageDirectory or false;
in
build "merge-parent" {
  inherit name meta;
  request = {
    parent = if isImageDirectory then parent else unpacked;
    parent-image = if isImageDirectory then parentImage else null;
    inherit-config = inheritConfig;
    skip-existing = skipExisting;
    allow-missing = allowMissing;
    inherit image platform;
  };
  tools = decompressorPackages;
  passthru = {
    isImageDirectory = true;
    layers = parent.layers or [ ] ++ image.layers or [ ];
    inherit parent;
    ${if image ? imageName then "imageName" else null} = image.imageName;
    ${if image ? imageTag then "imageTag" else null} = image.imageTag;
    ${if image ? platform then "platform" else null} = image.platform;
    ${if image ? config then "config" else null} = image.config;
    ${if image ? plan then "plan" else null} = image.plan;
  }
  // passthru;
  attributes = imageAttributes;
}
