{ build, compressorPackages }:

/**
  Build the layers of a plan in one derivation: a directory of layer directories in the order of the plan.

  # Type

  ```
  mkLayers :: {
    name :: String,
    plan :: Plan | Path | { layers :: [ { storePaths :: [ StorePath ] } ] },
    uid, gid :: Int,
    uname, gname :: String,
    mtime :: Int | String,
    compressor :: "none" | "gzip" | "zstd" | String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Layers
  ```

  Use the result like a single layer in mkImage's `layers`.
*/
{
  name ? "layers",
  plan,
  uid ? 0,
  gid ? 0,
  uname ? "",
  gname ? "",
  mtime ? 1,
  compressor ? "none",
  blob ? true,
  meta ? { },
  passthru ? { },
}:

build "mk-layers" {
  inherit name meta passthru;
  request = {
    no-blob = !blob;
    inherit
      plan
      uid
      gid
      uname
      gname
      mtime
      compressor
      ;
  };
  # The tarballs contain the store paths that layer.json lists.  Without tarballs, they are read again later.
  unsafeDiscardReferences.out = blob;
  tools = compressorPackages compressor;
}
