{ pkgs }:

/**
  The packages whose programs a compressor needs.

  # Type

  ```
  toolsOf :: String -> [ Derivation ]
  ```
*/
compressor:

if compressor == "zstd" then [ pkgs.buildPackages.zstd ] else [ ]
