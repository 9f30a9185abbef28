{
  build,
  decompressorPackages,
  imageDirectory,
}:

/**
  Write the files of an image as one tar, or as a directory: what a container sees, whiteouts applied.

  # Type

  ```
  exportImage :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    format :: "tar" | "directory",
    name :: String,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  A directory keeps permission bits, and neither owners nor xattrs: the Nix store has none.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  format ? "tar",
  name ? (imageDirectory image).name or "image",
  meta ? { },
  passthru ? { },
}:

build "export-image" {
  name = if format == "tar" then "${name}-files.tar" else "${name}-files";
  request = {
    IMAGE = image;
    image = imageName;
    inherit platform format;
  };
  unsafeDiscardReferences.out = true;
  tools = decompressorPackages;
  inherit meta passthru;
}
