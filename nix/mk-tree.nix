{ build }:

/**
  Merge directories into one tree.

  # Type

  ```
  mkTree :: {
    name :: String,
    link, copy :: [ Path ],
    keepDirlinks :: Bool,
    meta, passthru :: AttrSet,
  } -> Tree
  ```

  If two directories provide the same path, the later one wins, and `copy` wins over `link`.  Directories are
  merged.
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
