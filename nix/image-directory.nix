{ }:

/**
  Return the directory that builders read where `image` is a result of mkImage, mergeParent, fetchImage, mkIndex or
  mkArtifact, whose text is the path of its archive.  Anything else is returned as it is.

  # Type

  ```
  imageDirectory :: Image | Path -> Derivation | Path
  ```
*/
image:

image.imageDirectory or image
