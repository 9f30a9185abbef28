{ build, decompressorPackages }:

/**
  Write an image in a form to carry away.

  # Type

  ```
  packImage :: {
    image :: Image | Path,
    imageName, platform :: String,
    format :: "docker-archive" | "docker-legacy-archive" | "dir" | "oci",
    tags :: [ String ],
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  `image` is an image of ours or in any form that list-layers reads; `imageName` (NAME[:TAG]) and `platform`
  (OS/ARCH[/VARIANT]) choose among several.  `tags` (NAME:TAG) are the names in the result, instead of the
  image's own.  The two archives are files, the others directories; `dir` has links into the store, the
  others hold all they need.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  format ? "docker-archive",
  tags ? [ ],
  meta ? { },
  passthru ? { },
}:

let
  endings = {
    docker-archive = ".tar";
    docker-legacy-archive = "-legacy.tar";
  };
in
build "pack-image" {
  name = (image.name or "image") + (endings.${format} or "-${format}");
  request = {
    IMAGE = image;
    image = imageName;
    tag = tags;
    inherit format platform;
  };
  unsafeDiscardReferences.out = format != "dir";
  tools = decompressorPackages;
  inherit meta;
  passthru = {
    isImageDirectory = format == "oci";
    ${if image ? imageName then "imageName" else null} = image.imageName;
    ${if image ? imageTag then "imageTag" else null} = image.imageTag;
  }
  // passthru;
}
