{ }:

/**
  Return what evaluation knows about the base of an image: the image to build on, those of its layers that
  laminix built, and whether these are all of its layers.

  # Type

  ```
  parentInfo :: Image | Path | null -> {
    image :: Image | Path | null,
    layers :: [ Layer ],
    allLayersKnown :: Bool,
  }
  ```

  For an archive that laminix built, `image` is the image directory that the archive was packed from.
*/
let
  parentInfo = fromImage: rec {
    image = fromImage.image or fromImage;
    layers = fromImage.layers or [ ];
    allLayersKnown =
      fromImage == null || fromImage ? layers && (parentInfo (image.parent or null)).allLayersKnown;
  };
in
parentInfo
