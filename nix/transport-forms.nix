{ packImage }:

/**
  An image in each form to carry away, built on demand; with the image's name and tag.

  # Type

  ```
  transportForms :: Image -> { dockerArchive, dockerLegacyArchive, dir, oci :: Derivation }
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
}
