{ build, decompressorPackages }:

/**
  Put several images into one Docker archive.  Layers that they share are in it once.

  # Type

  ```
  mergeImages :: {
    images :: [ Image | Path ],
    platform :: String | null,
    name :: String,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The images keep their names.  Of an archive that has several images, all are taken.
*/
{
  images,
  platform ? null,
  name ? "merged-images.tar",
  meta ? { },
  passthru ? { },
}:

build "merge-images" {
  inherit name meta passthru;
  request = {
    IMAGE = images;
    inherit platform;
  };
  unsafeDiscardReferences.out = true;
  tools = decompressorPackages;
}
