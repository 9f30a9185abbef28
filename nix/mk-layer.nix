{
  build,
  compressorPackages,
  sourceRoots,
}:

/**
  Build one layer: a directory with the layer's tarball and layer.json, which describes it.

  # Type

  ```
  mkLayer :: {
    name :: String,
    copyToRoot :: Source | [ Source ],
    files :: { <path> :: { text | source | link :: String } | { directory :: true }, … },
    references :: Bool,
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
  `dest`; if it is a file, `dest` is its path.  With `references`, the closure of a source is added to the layer,
  without the source itself unless its closure refers to it.

  # Example

  ```nix
  mkLayer {
    copyToRoot = [ ./root ];
    closure = [ pkgs.hello ];
    files.tmp = { directory = true; mode = "1777"; };
    perms = [ { path = "home/alice"; uid = 1000; gid = 1000; } ];
  }
  ```
*/
{
  name ? "layer",
  copyToRoot ? [ ],
  files ? { },
  references ? true,
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
  copyOption =
    {
      source,
      dest ? null,
    }:
    if dest == null then
      "${source}"
    else if builtins.substring 0 1 dest == "/" then
      "${source}:${dest}"
    else
      "${source}:/${dest}";

  manifest = builtins.mapAttrs (
    _: file: if file ? source then file // { source = "${file.source}"; } else file
  ) files;

  needed = sourceRoots "mkLayer" { inherit copyToRoot files closure; };
  roots = if references then needed.closure else closure;
in
build "mk-layer" {
  inherit name meta;
  request = {
    copy = map copyOption sources;
    omit-root = (if references then needed.omitRoot else [ ]) ++ omitRoot;
    files = if files == { } then null else manifest;
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
