{ build }:

/**
  Write Nix's registration database of a closure, as a tree to be copied to an image's root.

  # Type

  ```
  mkNixDb :: {
    name :: String,
    closure, omitRoot :: [ StorePath ],
    meta, passthru :: AttrSet,
  } -> Tree
  ```

  Nix in the container then knows the store paths that it finds there, and a garbage collection spares
  them.  `omitRoot` are those of the closure that mkLayer was told to omit.

  The result's `perms` are rules for mkLayer: Nix has to write to the database, and nothing in a store
  is to be written to.
*/
{
  name ? "nix-db",
  closure,
  omitRoot ? [ ],
  meta ? { },
  passthru ? { },
}:

let
  roots = {
    uid = 0;
    gid = 0;
  };
  directory =
    path:
    roots
    // {
      inherit path;
      mode = "0755";
    };
  files = roots // {
    glob = "nix/var/nix/db/*";
    mode = "0644";
  };
  directories = map directory [
    "nix"
    "nix/var"
    "nix/var/nix"
    "nix/var/nix/db"
    "nix/var/nix/gcroots"
    "nix/var/nix/gcroots/docker"
  ];
in
build "mk-nix-db" {
  inherit name meta;
  request.omit-root = omitRoot;
  exportReferencesGraph.closure = closure;
  passthru = {
    perms = directories ++ [ files ];
  }
  // passthru;
}
