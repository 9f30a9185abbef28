{ }:

/**
  Return the ending of the name of a compressed file: that of a filter command is empty.

  # Type

  ```
  compressionEnding :: String -> String
  ```

  The argument is the compressor.
*/
compressor:

{
  gzip = ".gz";
  zstd = ".zst";
}
.${compressor} or ""
