{ build, compressorPackages }:

/**
  Build the layers of a plan, in one derivation: a directory of layer directories in the plan's order.

  # Type

  ```
  mkLayers :: {
    name :: String,
    plan :: Derivation | { layers :: [ { storePaths :: [ StorePath ] } ] },
    uid, gid :: Int,
    uname, gname :: String,
    mtime :: Int | String,
    compressor :: String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Layers
  ```

  `plan` is what planLayers built, or a plan as a value.  The result stands among mkImage's `layers` like a
  single one.
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
  # With blobs, the store paths in layer.json say what is packed and are not read again.
  unsafeDiscardReferences.out = blob;
  tools = compressorPackages compressor;
}
