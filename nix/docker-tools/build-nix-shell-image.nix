{
  archiveCompression,
  compress,
  packImage,
  storeName,
  streamNixShellImage,
}:

/**
  dockerTools.buildNixShellImage: the image of streamNixShellImage as a Docker archive.

  # Type

  ```
  buildNixShellImage :: { drv :: Derivation, compressor :: "none" | "gz" | "zstd", … } -> Derivation
  ```

  Takes the arguments of streamNixShellImage, and `compressor`.
*/
{
  drv,
  compressor ? "gz",
  ...
}@arguments:

let
  stream = streamNixShellImage (removeAttrs arguments [ "compressor" ]);
  compression = archiveCompression {
    function = "buildNixShellImage";
    image = stream.imageName;
  } compressor;
in
compress {
  name = "${storeName stream.imageName}.tar${compression.suffix}";
  file = packImage { inherit (stream) image; };
  compressor = compression.name;
  passthru = {
    inherit stream;
    inherit (stream) image imageName imageTag;
  };
}
