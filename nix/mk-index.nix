{ build, decompressorPackages, packImage }:

/**
  Make one image for several platforms: an index of images.

  # Type

  ```
  mkIndex :: {
    name :: String,
    tag :: String | [ String ],
    images :: [ Image | Path ],
    annotations :: { <key> :: String },
    attestations :: [ { platform, predicateType :: String, predicate :: Path } ],
    meta, passthru :: AttrSet,
  } -> Image
  ```

  The result contains all images, each with its own manifest.  `oci` and `ociArchive` are self-contained.

  # Example

  ```nix
  mkIndex {
    images = map (pkgs: (import ./laminix { inherit pkgs; }).mkImage { … }) [ pkgs pkgsCross.aarch64-multiplatform ];
  }
  ```
*/
{
  name ? (builtins.head images).imageName,
  tag ? (builtins.head images).imageTag or "latest",
  images,
  annotations ? { },
  attestations ? [ ],
  meta ? { },
  passthru ? { },
}:

let
  tags = if builtins.isList tag then tag else [ tag ];

  index = build "mk-index" {
    name = "index";
    request = {
      inherit name;
      tag = tags;
      image = images;
      annotation = map (key: "${key}=${annotations.${key}}") (builtins.attrNames annotations);
      inherit attestations;
    };
    tools = decompressorPackages;
    inherit meta;
    passthru = {
      isImageDirectory = true;
      imageName = name;
      imageTag = builtins.head tags;
      inherit images;
      oci = packAll "oci";
      ociArchive = packAll "oci-archive";
    }
    // passthru;
  };
  packAll =
    format:
    packImage {
      image = index;
      all = true;
      inherit format;
    };
in
index
