{
  build,
  compressorPackages,
  mentionedPaths,
}:

/**
  Build one layer: a directory with the layer's tarball and layer.json, which describes it.

  # Type

  ```
  mkLayer :: {
    name :: String,
    copyToRoot :: Source | [ Source ],
    files :: { <path> :: { text | source | link :: String } | { directory :: true }, … },
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
  `dest`; if it is a file, `dest` is its path.  The closure of a source is added to the layer, without the source itself unless its closure
  refers to it.

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
    if dest == null then
      "${source}"
    else if builtins.substring 0 1 dest == "/" then
      "${source}:${dest}"
    else
      "${source}:/${dest}";

  # What the files mention comes along, as it does for copyToRoot.
  fileList = map (path: files.${path}) (builtins.attrNames files);
  fileTexts = map (file: file.text or file.link or "") fileList;
  fileSources = map (file: "${file.source}") (builtins.filter (file: file ? source) fileList);
  mentioned = mentionedPaths fileTexts;
  mentionedRoots =
    if mentioned == null then
      throw ''
        mkLayer: a text or link in `files` depends on store paths that are not known before a build.
        Add the packages to `closure`, and take the context from the text with builtins.unsafeDiscardStringContext.''
    else
      mentioned;
  manifest = builtins.mapAttrs (
    _: file: if file ? source then file // { source = "${file.source}"; } else file
  ) files;

  roots = sourcePaths ++ fileSources ++ mentionedRoots ++ closure;
in
build "mk-layer" {
  inherit name meta;
  request = {
    copy = map copyOption sources;
    omit-root = sourcePaths ++ fileSources ++ omitRoot;
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
