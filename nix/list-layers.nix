{
  build,
  decompressorPackages,
  imageDirectory,
}:

/**
  List the layers of an image, base layer first, as a table or as JSON.

  # Type

  ```
  listLayers :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    json :: Bool,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  json ? false,
  meta ? { },
  passthru ? { },
}:

build "list-layers" {
  name = "${(imageDirectory image).name or "image"}-layers" + (if json then ".json" else ".txt");
  request = {
    IMAGE = image;
    image = imageName;
    inherit json platform;
  };
  tools = decompressorPackages;
  inherit meta passthru;
}
