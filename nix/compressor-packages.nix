{ pkgs }:

/**
  List the packages whose programs the builders call for a compressor.

  # Type

  ```
  compressorPackages :: String -> [ Derivation ]
  ```

  gzip needs no package, since the builders use Python's zlib.  A filter command is the user's own, which
  names its program by its store path.
*/
compressor:

if compressor == "zstd" then [ pkgs.buildPackages.zstd ] else [ ]
