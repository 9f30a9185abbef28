{
  build,
  decompressorPackages,
  engineImage,
  imageDirectory,
  layoutForms,
  packImage,
}:

/**
  Attach an artifact to an image: files that refer to the image's manifest, or to an index.

  # Type

  ```
  mkArtifact :: {
    image :: Image | Path,
    imageName, platform :: String | null,
    index :: Bool,
    artifactType :: String,
    files :: [ { mediaType :: String, path :: Path } ],
    annotations :: { <key> :: String },
    meta, passthru :: AttrSet,
  } -> Image
  ```

  The result contains the image, unchanged, and the artifact.  `oci` and `ociArchive` are self-contained.

  # Example

  ```nix
  mkArtifact {
    inherit image;
    artifactType = "application/vnd.cyclonedx+json";
    files = [ { mediaType = "application/vnd.cyclonedx+json"; path = mkSbom { inherit image; }; } ];
  }
  ```
*/
{
  image,
  imageName ? null,
  platform ? image.platform or null,
  index ? false,
  artifactType,
  files,
  annotations ? { },
  meta ? { },
  passthru ? { },
}:

build "mk-artifact" {
  name = (imageDirectory image).name or "image";
  request = {
    IMAGE = image;
    image = imageName;
    artifact-type = artifactType;
    file = map ({ mediaType, path }: "${mediaType}=${path}") files;
    annotation = map (key: "${key}=${annotations.${key}}") (builtins.attrNames annotations);
    inherit platform index;
  };
  tools = decompressorPackages;
  inherit meta;
  attributes =
    directory:
    let
      # Without the artifact: podman refuses an archive with another manifest beside that of the image.
      dockerArchive = packImage { image = directory; };
    in
    layoutForms directory
    // engineImage {
      archive = dockerArchive;
      inherit directory;
    }
    // {
      inherit dockerArchive;
    };
  passthru = {
    isImageDirectory = true;
    ${if image ? imageName then "imageName" else null} = image.imageName;
    ${if image ? imageTag then "imageTag" else null} = image.imageTag;
    ${if image ? layers then "layers" else null} = image.layers;
    ${if image ? config then "config" else null} = image.config;
    ${if image ? platform then "platform" else null} = image.platform;
  }
  // passthru;
}
