{
  decompressorPackages,
  mkStreamer,
  packImage,
}:

/**
  Return derivations that write an image in each transport form, and a program that streams it.

  # Type

  ```
  transportForms :: Image -> {
    dockerArchive, dockerLegacyArchive, dir, facts, oci, ociArchive, stream :: Derivation
  }
  ```
*/
image:

let
  packed = format: packImage { inherit image format; };
in
{
  dockerArchive = packed "docker-archive";
  dockerLegacyArchive = packed "docker-legacy-archive";
  dir = packed "dir";
  facts = packed "facts";
  oci = packed "oci";
  ociArchive = packed "oci-archive";
  stream = mkStreamer {
    name = "stream-${image.name or "image"}";
    tools = decompressorPackages;
    inherit image;
  };
}
