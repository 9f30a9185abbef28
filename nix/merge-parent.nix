{
  build,
  decompressorPackages,
  packImage,
  transportForms,
}:

/**
  Put an image on top of a parent: all of the parent's layers, then the image's own.

  # Type

  ```
  mergeParent :: {
    parent :: Image | Path,
    parentImage, platform :: String,
    image :: Image,
    inheritConfig :: "all" | "env" | "none",
    skipExisting :: Bool,
    name :: String,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  `parent` is an image of ours or in any form that list-layers reads: from an archive the blobs are taken
  once, for all images on top of it.  `parentImage` (NAME[:TAG]) and `platform` (OS/ARCH[/VARIANT]) choose
  among several.  With `skipExisting`, files that the parent has already are left out of the new layers.

  The result has what mkImage's has.
*/
{
  parent,
  parentImage ? null,
  platform ? image.platform or null,
  image,
  inheritConfig ? "all",
  skipExisting ? false,
  name ? image.name or "image",
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
  isOurs = parent.isImageDirectory or false;

  child = build "merge-parent" {
    inherit name meta;
    request = {
      parent = if isOurs then parent else unpacked;
      parent-image = if isOurs then parentImage else null;
      inherit-config = inheritConfig;
      skip-existing = skipExisting;
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
    }
    // transportForms child
    // passthru;
  };
in
child
