{
  build,
  decompressorPackages,
  imageDirectory,
}:

/**
  Check an image from its bytes.  The build fails with one line for each problem; otherwise the result is a
  one-line summary.

  # Type

  ```
  verifyImage :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  meta ? { },
  passthru ? { },
}:

build "verify-image" {
  name = "${(imageDirectory image).name or "image"}-verified";
  request = {
    IMAGE = image;
    image = imageName;
    inherit platform;
  };
  tools = decompressorPackages;
  inherit meta passthru;
}
