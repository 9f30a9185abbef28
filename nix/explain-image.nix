{
  build,
  decompressorPackages,
  imageDirectory,
  reportName,
}:

/**
  Show where the bytes of an image are, and why each store path is in it.

  # Type

  ```
  explainImage :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    closure :: [ StorePath ],
    why :: String | null,
    files :: "all" | Int | null,
    largest :: Int,
    duplicates :: Bool,
    format :: "table" | "json" | "markdown" | "svg",
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  References and sizes come from `closure`.  Its default, the image's own closure, contains all store paths of
  an image that mkImage built.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  closure ? [ image ],
  why ? null,
  files ? null,
  largest ? 0,
  duplicates ? false,
  format ? "table",
  meta ? { },
  passthru ? { },
}:

build "explain-image" {
  name = reportName "explainImage" "${(imageDirectory image).name or "image"}-explanation" format;
  request = {
    IMAGE = image;
    image = imageName;
    # The builder takes only one of why, files and largest.
    largest = if largest == 0 then null else largest;
    inherit
      platform
      why
      files
      duplicates
      format
      ;
  };
  exportReferencesGraph.closure = closure;
  tools = decompressorPackages;
  inherit meta passthru;
}
