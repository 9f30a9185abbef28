{ build, compressorPackages }:

/**
  Compress a file, such as an image's archive.

  # Type

  ```
  compress :: { name :: String, file :: Path, compressor :: String, meta, passthru :: AttrSet } -> Derivation
  ```

  `compressor` is none, gzip, zstd or a command that filters.
*/
{
  name ? "compressed",
  file,
  compressor ? "gzip",
  meta ? { },
  passthru ? { },
}:

build "compress" {
  inherit name meta passthru;
  request = {
    FILE = file;
    inherit compressor;
  };
  unsafeDiscardReferences.out = true;
  tools = compressorPackages compressor;
}
