{ packImage }:

/**
  Return derivations that write an image in each transport form.

  # Type

  ```
  transportForms :: Image -> { dockerArchive, dockerLegacyArchive, dir, oci, ociArchive :: Derivation }
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
  oci = packed "oci";
  ociArchive = packed "oci-archive";
}
