{
  build,
  imageAttributes,
  pkgs,
  runnable,
  storeName,
}:

/**
  Pull an image from a registry: a fixed-output derivation, so its hash must be given.

  # Type

  ```
  fetchImage :: {
    name :: String,
    imageName :: String,
    imageTag :: String | null,
    imageDigest :: String,
    platform :: String | null,
    hash :: String,
    plainHttp :: Bool,
    meta, passthru :: AttrSet,
  } -> Image
  ```

  `prefetch-image` prints these arguments.  Of the environment only the proxy variables are used; there are no
  credentials.

  # Example

  ```nix
  fetchImage {
    imageName = "registry.example/hello";
    imageDigest = "sha256:…";
    hash = "sha256-…";
  }
  ```
*/
{
  name ? storeName imageName,
  imageName,
  imageTag ? null,
  imageDigest,
  platform ? null,
  hash,
  plainHttp ? false,
  meta ? { },
  passthru ? { },
}:

let
  tagged = imageName + (if imageTag == null then "" else ":${imageTag}");
  selected = if platform == null then "linux/${pkgs.stdenv.hostPlatform.go.GOARCH}" else platform;

  image = build "pull-image" {
    inherit name meta;
    request = {
      REF = "docker://${tagged}@${imageDigest}";
      # Without it pull-image would use the builder's platform, and an output with a hash must not depend on that.
      platform = selected;
      cacert = "${pkgs.buildPackages.cacert}/etc/ssl/certs/ca-bundle.crt";
      plain-http = plainHttp;
    };
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = hash;
    impureEnvVars = [
      "http_proxy"
      "https_proxy"
      "all_proxy"
      "no_proxy"
      "HTTP_PROXY"
      "HTTPS_PROXY"
      "ALL_PROXY"
      "NO_PROXY"
    ];
    attributes = imageAttributes;
    passthru = {
      isImageDirectory = true;
      inherit imageName;
      ${if imageTag == null then null else "imageTag"} = imageTag;
      prefetch = runnable {
        inherit name;
        builder = "prefetch-image";
        arguments = "docker://${tagged} --platform ${selected}";
      };
    }
    // passthru;
  };
in
image
