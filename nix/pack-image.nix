{
  build,
  compressorPackages,
  decompressorPackages,
  imageDirectory,
}:

/**
  Write an image in a transport form.

  # Type

  ```
  packImage :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    format :: "docker-archive" | "docker-legacy-archive" | "dir" | "facts" | "oci" | "oci-archive",
    layerCompressor :: "none" | "gzip" | "zstd" | "keep" | String | null,
    all :: Bool,
    tags :: [ String ],
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  The result is a file for the archives, otherwise a directory.  `dir` contains links to the store; the
  other forms refer to nothing in it.  `facts` has recipes in place of layers.  Unless `layerCompressor` says otherwise,
  oci-archive compresses plain layers with gzip, and the other forms leave layers as they are.
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  format ? "docker-archive",
  layerCompressor ? null,
  tags ? [ ],
  all ? false,
  meta ? { },
  passthru ? { },
}:

let
  suffixes = {
    docker-archive = ".tar";
    docker-legacy-archive = "-legacy.tar";
    oci-archive = "-oci.tar";
  };
in
build "pack-image" {
  name = ((imageDirectory image).name or "image") + (suffixes.${format} or "-${format}");
  request = {
    IMAGE = image;
    image = imageName;
    tag = tags;
    platform = if all then null else platform;
    layer-compressor = layerCompressor;
    inherit all format;
  };
  unsafeDiscardReferences.out = format != "dir";
  tools =
    decompressorPackages ++ (if layerCompressor == null then [ ] else compressorPackages layerCompressor);
  inherit meta;
  passthru = {
    isImageDirectory = format == "oci";
    ${if image ? imageName then "imageName" else null} = image.imageName;
    ${if image ? imageTag then "imageTag" else null} = image.imageTag;
  }
  // passthru;
}
