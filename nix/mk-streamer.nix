{
  binOutput,
  build,
  builderProgram,
  pkgs,
}:

/**
  Build a program that writes an image to standard output as a Docker archive.

  # Type

  ```
  mkStreamer :: {
    name :: String,
    image :: Image | Path,
    tools :: [ Derivation ],
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The result is the executable itself, not a directory, which `isExe` says.  `bin` is a package of it, for `lib.getExe`.
*/
{
  name ? "stream",
  image,
  tools ? [ ],
  meta ? { },
  passthru ? { },
}:

build "mk-streamer" {
  inherit name;
  meta = {
    mainProgram = name;
  }
  // meta;
  attributes = binOutput;
  passthru = {
    isExe = true;
    inherit image;
    ${if image ? imageName then "imageName" else null} = image.imageName;
    ${if image ? imageTag then "imageTag" else null} = image.imageTag;
  }
  // passthru;
  request = {
    IMAGE = image;
    pack-image = builderProgram "pack-image";
    python = pkgs.buildPackages.python3.interpreter;
    tools = map (tool: "${tool}/bin") tools;
  };
}
