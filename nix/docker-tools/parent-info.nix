{ }:

/**
  What is known of a base before it is read: the image to go on and its layers, as far as laminix made it.

  # Type

  ```
  parentInfo :: Image | Path | null -> { image :: Image | Path | null, layers :: [ Layer ], isOurs :: Bool }
  ```

  An archive that these functions made is left alone for the image directory that it was packed from.
  `isOurs`: laminix made all of its layers, down to the lowest.
*/
let
  parentInfo = fromImage: rec {
    image = fromImage.image or fromImage;
    layers = fromImage.layers or [ ];
    isOurs = fromImage == null || fromImage ? layers && (parentInfo (image.parent or null)).isOurs;
  };
in
parentInfo
