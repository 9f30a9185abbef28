{ build, decompressorPackages }:

/**
  Check an image from its bytes; the build fails with all that is wrong, a line each.

  # Type

  ```
  verifyImage :: {
    image :: Image | Path,
    imageName, platform :: String,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  `image` is in any form that list-layers reads; `imageName` (NAME[:TAG]) and `platform` (OS/ARCH[/VARIANT])
  choose among several.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  meta ? { },
  passthru ? { },
}:

build "verify-image" {
  name = "${image.name or "image"}-verified";
  request = {
    IMAGE = image;
    image = imageName;
    inherit platform;
  };
  tools = decompressorPackages;
  inherit meta passthru;
}
