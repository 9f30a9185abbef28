{ }:

/**
  Return which image of `fromImage` is meant: NAME, NAME:TAG, or null for its only one.

  # Type

  ```
  imageOfParent :: {
    image :: String,
    fromImage :: Image | Path | null,
    fromImageName, fromImageTag :: String | null,
  } -> String | null
  ```

  Errors name `image`, the image to be built.
*/
{
  image,
  fromImage,
  fromImageName,
  fromImageTag,
}:

let
  name =
    if fromImageName != null then
      fromImageName
    else
      fromImage.imageName
        or (throw "laminix: dockerTools: `fromImageTag` (\"${fromImageTag}\") is given without `fromImageName`, and `fromImage` has no `imageName` to combine it with. Give `fromImageName` too. (image ${image})");
in
if fromImageTag != null then "${name}:${fromImageTag}" else fromImageName
