{ build, decompressorPackages }:

/**
  List an image's layers, base layer first: a table, or JSON.

  # Type

  ```
  listLayers :: {
    image :: Image | Path,
    imageName, platform :: String,
    json :: Bool,
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
  json ? false,
  meta ? { },
  passthru ? { },
}:

build "list-layers" {
  name = "${image.name or "image"}-layers" + (if json then ".json" else ".txt");
  request = {
    IMAGE = image;
    image = imageName;
    inherit json platform;
  };
  tools = decompressorPackages;
  inherit meta passthru;
}
