{ pkgs }:

/**
  The packages whose programs the builders call to read compressed layers.

  Empty if the package set has no zstd.  Builders then fail on layers compressed with zstd.

  # Type

  ```
  decompressorPackages :: [ Derivation ]
  ```
*/
if pkgs.buildPackages ? zstd then [ pkgs.buildPackages.zstd ] else [ ]
