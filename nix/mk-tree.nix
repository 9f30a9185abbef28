{ build }:

/**
  Join directories into one tree.

  # Type

  ```
  mkTree :: {
    name :: String,
    copy, link :: [ Path ],
    keepDirlinks :: Bool,
    meta, passthru :: AttrSet,
  } -> Tree
  ```

  What the directories of `link` hold comes first, files as links to them; what those of `copy` hold is
  copied over it.  Where they differ in more than directories, the later wins.  With `keepDirlinks`, links
  to directories stay links; else there are directories in their place.
*/
{
  name ? "tree",
  copy ? [ ],
  link ? [ ],
  keepDirlinks ? false,
  meta ? { },
  passthru ? { },
}:

build "mk-tree" {
  inherit name meta passthru;
  request = {
    keep-dirlinks = keepDirlinks;
    copy = map (path: "${path}") copy;
    link = map (path: "${path}") link;
  };
}
