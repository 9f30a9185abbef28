{ build, compressorPackages }:

/**
  Build one layer: a directory with the layer's blob and the layer.json that describes it.

  # Type

  ```
  mkLayer :: {
    name :: String,
    copyToRoot :: Source | [ Source ],
    closure :: [ StorePath ],
    scan :: [ StorePath ],
    omitRoot :: [ StorePath ],
    storePaths :: [ StorePath ],
    exclude :: [ Layer ],
    remove :: [ String ],
    perms :: [ { path | glob :: String, … } ],
    uid, gid :: Int,
    uname, gname :: String,
    mtime :: Int | String,
    compressor :: String,
    blob :: Bool,
    meta, passthru :: AttrSet,
  } -> Layer
  ```

  A Source is a path or derivation, whose content goes to the image's root, or `{ source, dest }`, whose
  content goes to `dest`.  What a source refers to comes along under /nix/store; the source itself does so
  only where something in its closure refers to it.

  `closure` are derivations (or store paths) that come along with all they refer to, less those of `omitRoot`
  that nothing refers to; with `scan`, only what files there mention, and what that refers to.
  `storePaths` come along alone.  `exclude` are layers whose store paths are left out.  `remove` are files of
  the layers below that this one deletes.

  `perms` sets modes, owners, capabilities and xattrs; `compressor` is none, gzip, zstd or a command.
  With `blob = false` the tar is not kept: it is measured, and made again where an image is packed;
  that takes one of the three compressors, not a command.

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
  sources = map (
    source: if source ? dest then source else { inherit source; }
  ) (if builtins.isList copyToRoot then copyToRoot else [ copyToRoot ]);
  sourcePaths = map ({ source, dest ? null }: "${source}") sources;
  roots = sourcePaths ++ closure;
in
build "mk-layer" {
  inherit name meta;
  request = {
    copy = map (
      { source, dest ? null }: if dest == null then "${source}" else "${source}:${dest}"
    ) sources;
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
  # With a blob, the store paths in layer.json say what is packed and are not read again.
  unsafeDiscardReferences.out = blob;
  tools = compressorPackages compressor;
  passthru = {
    inherit compressor;
  }
  // passthru;
}
