{
  build,
  builderProgram,
  pkgs,
}:

/**
  Write a program that writes an image to standard output, as an archive that docker load takes.

  # Type

  ```
  mkStreamer :: {
    name :: String,
    image :: Image | Path,
    tools :: [ Derivation ],
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The result is that program, not a directory with it.  `tools` have the compressors that it needs to make
  layers again which keep no blob.
*/
{
  name ? "stream",
  image,
  tools ? [ ],
  meta ? { },
  passthru ? { },
}:

build "mk-streamer" {
  inherit name meta passthru;
  request = {
    IMAGE = image;
    pack-image = builderProgram "pack-image";
    python = pkgs.buildPackages.python3.interpreter;
    tools = map (tool: "${tool}/bin") tools;
  };
}
