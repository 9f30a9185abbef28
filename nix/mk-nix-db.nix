{ build }:

/**
  Write the Nix database of a closure, as a tree to copy to an image's root.

  # Type

  ```
  mkNixDb :: {
    name :: String,
    closure, omitRoot :: [ StorePath ],
    meta, passthru :: AttrSet,
  } -> Tree
  ```

  Nix in the container then knows the store paths of the image, and garbage collection keeps them.

  The result's `perms` are rules for mkLayer that let root write to the database.
*/
{
  name ? "nix-db",
  closure,
  omitRoot ? [ ],
  meta ? { },
  passthru ? { },
}:

let
  ownedByRoot = {
    uid = 0;
    gid = 0;
  };
  directory =
    path:
    ownedByRoot
    // {
      inherit path;
      mode = "0755";
    };
  files = ownedByRoot // {
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
