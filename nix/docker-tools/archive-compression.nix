{ }:

/**
  The compression of an archive as a whole, by dockerTools' name for it.

  # Type

  ```
  archiveCompression :: String -> { name :: String, ending :: String }
  ```
*/
compressor:

{
  none = {
    name = "none";
    ending = "";
  };
  gz = {
    name = "gzip";
    ending = ".gz";
  };
  zstd = {
    name = "zstd";
    ending = ".zst";
  };
}
.${compressor} or (throw "laminix: compressor = \"${compressor}\", expected none, gz or zstd")
