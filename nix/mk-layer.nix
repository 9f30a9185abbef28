{ build, compressorPackages }:

/**
  Build one layer: a directory with the layer's tarball and layer.json, which describes it.

  # Type

  ```
  mkLayer :: {
    name :: String,
    copyToRoot :: Source | [ Source ],
    closure, omitRoot, storePaths :: [ StorePath ],
    scan :: [ Path ],
    exclude :: [ Layer ],
    remove :: [ String ],
    perms :: [ { path | glob :: String, … } ],
    uid, gid :: Int,
    uname, gname :: String,
    mtime :: Int | String,
    compressor :: "none" | "gzip" | "zstd" | String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Layer
  ```

  A Source is a path or derivation, whose contents go to /, or `{ source, dest }`, whose contents go to
  `dest`.  The closure of a source is added to the layer, without the source itself unless its closure
  refers to it.

  # Example

  ```nix
  mkLayer {
    copyToRoot = [ ./root ];
    closure = [ pkgs.hello ];
    perms = [ { path = "home/alice"; uid = 1000; gid = 1000; } ];
  }
  ```
*/
{
  name ? "layer",
  copyToRoot ? [ ],
  closure ? [ ],
  omitRoot ? [ ],
  scan ? [ ],
  storePaths ? [ ],
  exclude ? [ ],
  remove ? [ ],
  perms ? [ ],
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
  sourceList = if builtins.isList copyToRoot then copyToRoot else [ copyToRoot ];
  sources = map (source: if source ? dest then source else { inherit source; }) sourceList;
  sourcePaths = map (item: "${item.source}") sources;
  copyOption =
    {
      source,
      dest ? null,
    }:
    if dest == null then "${source}" else "${source}:${dest}";
  roots = sourcePaths ++ closure;
in
build "mk-layer" {
  inherit name meta;
  request = {
    copy = map copyOption sources;
    omit-root = sourcePaths ++ omitRoot;
    store-path = storePaths;
    perms = if perms == [ ] then null else perms;
    no-blob = !blob;
    inherit
      scan
      exclude
      remove
      uid
      gid
      uname
      gname
      mtime
      compressor
      ;
  };
  ${if roots == [ ] then null else "exportReferencesGraph"}.closure = roots;
  # The tarball contains the store paths that layer.json lists.  Without a tarball, they are read again later.
  unsafeDiscardReferences.out = blob;
  tools = compressorPackages compressor;
  passthru = {
    inherit compressor;
    contents = roots ++ storePaths;
  }
  // passthru;
}
