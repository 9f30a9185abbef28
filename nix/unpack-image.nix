{
  build,
  decompressorPackages,
  imageDirectory,
}:

/**
  Unpack an image to plain files, with a list of the owners, modes and times that the store does not keep.

  # Type

  ```
  unpackImage :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  runLayer unpacks its parent with this function: all steps on one parent share the result.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  meta ? { },
  passthru ? { },
}:

build "unpack-image" {
  name = "${(imageDirectory image).name or "image"}-unpacked";
  request = {
    IMAGE = image;
    image = imageName;
    inherit platform;
  };
  # The files mention store paths, as in any image; nothing needs these paths.
  unsafeDiscardReferences.out = true;
  tools = decompressorPackages;
  inherit meta;
  passthru = {
    isUnpackedImage = true;
  }
  // passthru;
}
