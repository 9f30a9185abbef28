{
  build,
  decompressorPackages,
  imageDirectory,
  reportName,
}:

/**
  Show what changed between two images: layers, bytes to download, packages and why, config.

  # Type

  ```
  diffImage :: {
    name :: String,
    old, new :: Image | Path,
    oldImageName, imageName, platform :: String | null,
    oldClosure, closure :: [ StorePath ],
    files :: Bool,
    format :: "table" | "json" | "markdown" | "svg",
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  References and sizes of store paths come from the closures, by default those of the images themselves.
*/
{
  name ? "${(imageDirectory new).name or "image"}-difference",
  old,
  new,
  oldImageName ? null,
  imageName ? null,
  platform ? null,
  oldClosure ? [ old ],
  closure ? [ new ],
  files ? false,
  format ? "table",
  meta ? { },
  passthru ? { },
}:

build "diff-image" {
  name = reportName "diffImage" name format;
  request = {
    OLD = old;
    NEW = new;
    old-image = oldImageName;
    image = imageName;
    inherit platform files format;
  };
  exportReferencesGraph = {
    inherit closure;
    old-closure = oldClosure;
  };
  tools = decompressorPackages;
  inherit meta passthru;
}
