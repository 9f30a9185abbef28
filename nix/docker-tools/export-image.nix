{
  imageOfParent,
  laminix,
  parentInfo,
}:

/**
  dockerTools.exportImage: write the files of an image as one uncompressed tar.

  # Type

  ```
  exportImage :: { fromImage :: Image | Path, … } -> Derivation
  ```

  nix/docker-tools/README.md describes the arguments.
*/
{
  fromImage,
  name ? fromImage.name or "image.tar",
  fromImageName ? null,
  fromImageTag ? null,
  diskSize ? 1024,
}:

(laminix.exportImage {
  image = (parentInfo fromImage).image;
  imageName = imageOfParent {
    image = name;
    inherit fromImage fromImageName fromImageTag;
  };
}).overrideAttrs
  { inherit name; }
