{ packImage }:

/**
  Return derivations that write a layout with all its images and artifacts, in the forms in which these fit.

  # Type

  ```
  layoutForms :: Image -> { oci, ociArchive :: Derivation }
  ```
*/
image:

let
  packed =
    format:
    packImage {
      all = true;
      inherit image format;
    };
in
{
  oci = packed "oci";
  ociArchive = packed "oci-archive";
}
