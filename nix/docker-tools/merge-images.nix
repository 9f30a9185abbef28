{
  compress,
  compressionEnding,
  laminix,
  parentInfo,
}:

/**
  dockerTools.mergeImages: put several images into one Docker archive.

  # Type

  ```
  mergeImages :: [ Image | Path ] -> Derivation
  ```

  The archive is compressed as the last image is, by the suffix of its name.
*/
images:

let
  last = images: builtins.elemAt images (builtins.length images - 1);
  suffix = builtins.match ".*\\.(gz|tgz|zst)" (baseNameOf "${last images}");
  compressor =
    if suffix == null then
      "none"
    else if suffix == [ "zst" ] then
      "zstd"
    else
      "gzip";
in
if images == [ ] then
  throw "laminix: dockerTools.mergeImages: the list of images is empty. Give at least one image."
else
  compress {
    name = "merged-docker-images.tar${compressionEnding compressor}";
    file = laminix.mergeImages { images = map (image: (parentInfo image).image) images; };
    inherit compressor;
  }
