{
  build,
  compressorPackages,
  planPieces,
}:

/**
  Build the layers of a plan: a directory of layer directories in the order of the plan.

  # Type

  ```
  mkLayers :: {
    name :: String,
    plan :: Plan | Path | { layers :: [ { storePaths :: [ StorePath ] } ] },
    layering :: "single" | "ca" | "ifd",
    maxLayers :: Int,
    uid, gid :: Int,
    uname, gname :: String,
    mtime :: Int | String,
    compressor :: "none" | "gzip" | "zstd" | String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Layers
  ```

  Use the result like a single layer in mkImage's `layers`.  With `layering = "single"` one derivation builds all
  layers; with "ca" and "ifd" each layer is a derivation of its own.
*/
{
  name ? "layers",
  plan,
  layering ? "single",
  maxLayers ? plan.maxLayers or 125,
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

let
  layersOf =
    attrs: plan:
    build "mk-layers" (
      attrs
      // {
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
    );
  attrs = { inherit name meta passthru; };
in
if layering == "single" then
  layersOf attrs plan
else if builtins.elem layering [ "ca" "ifd" ] then
  build "join-layers" (
    attrs
    // {
      # The name is the same for every image, so that images share layers.
      request.LAYER = map (layersOf { name = "layer"; }) (planPieces {
        function = "mkLayers";
        inherit layering plan maxLayers;
      });
    }
  )
else
  throw "laminix: mkLayers: `layering` is ${builtins.toJSON layering}, but it should be \"single\", \"ca\" or \"ifd\"."
