{
  build,
  compressionEnding,
  compressorPackages,
}:

/**
  Compress a file, such as an image archive.  The bytes are the same for any number of cores.

  # Type

  ```
  compress :: {
    name :: String,
    file :: Path,
    compressor :: "none" | "gzip" | "zstd" | String,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  name ? file.name or "file" + compressionEnding compressor,
  file,
  compressor ? "gzip",
  meta ? { },
  passthru ? { },
}:

build "compress" {
  inherit name meta;
  passthru = {
    ${if file ? imageName then "imageName" else null} = file.imageName;
    ${if file ? imageTag then "imageTag" else null} = file.imageTag;
  }
  // passthru;
  request = {
    # An image stands for its archive here.
    FILE = "${file}";
    inherit compressor;
  };
  unsafeDiscardReferences.out = true;
  tools = compressorPackages compressor;
}
