{
  build,
  decompressorPackages,
  engineImage,
  layoutForms,
}:

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
in
build "mk-index" {
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
  attributes =
    directory:
    let
      forms = layoutForms directory;
    in
    forms
    // engineImage {
      # A docker archive cannot contain several platforms.
      archive = forms.ociArchive;
      inherit directory;
    };
  passthru = {
    isImageDirectory = true;
    imageName = name;
    imageTag = builtins.head tags;
    inherit images;
  }
  // passthru;
}
