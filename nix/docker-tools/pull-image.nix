{
  pkgs,
  runBash,
  runnable,
}:

/**
  dockerTools.pullImage: fetch an image from a registry as a Docker archive, with skopeo.

  # Type

  ```
  pullImage :: { imageName, imageDigest, hash :: String, … } -> Derivation
  ```

  nix/docker-tools/README.md describes the arguments.  The archive has the same bytes as that of nixpkgs, so hashes
  in existing expressions stay valid.  `prefetch` of the result is a program that prints the arguments for what
  `imageName` and `finalImageTag` name by then.
*/
{
  imageName,
  imageDigest,
  hash ? "",
  sha256 ? "",
  outputHash ? "",
  outputHashAlgo ? null,
  os ? "linux",
  arch ? pkgs.stdenv.hostPlatform.go.GOARCH,
  finalImageName ? imageName,
  finalImageTag ? "latest",
  tlsVerify ? true,
  name ? builtins.replaceStrings [ "/" ":" ] [ "-" "-" ] "docker-image-${finalImageName}-${finalImageTag}.tar",
}:

let
  given = builtins.filter (value: value != "") [
    hash
    sha256
    outputHash
  ];
  # An SRI hash says its algorithm itself.
  algorithm =
    if outputHashAlgo != null then
      outputHashAlgo
    else if sha256 != "" then
      "sha256"
    else
      null;
  # With an empty hash Nix tells the right one.
  unknownHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
in
if builtins.length given > 1 then
  throw "laminix: dockerTools.pullImage: `hash`, `sha256` and `outputHash` are the same argument. Give one of them. (image ${imageName})"
else
  runBash name
    (
      {
        inherit imageDigest;
        imageName = finalImageName;
        imageTag = finalImageTag;
        outputHashMode = "flat";
        outputHash = if given == [ ] then unknownHash else builtins.head given;
        PATH = "${pkgs.buildPackages.skopeo}/bin:${pkgs.buildPackages.coreutils}/bin";
        SSL_CERT_FILE = "${pkgs.cacert.out or pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
        sourceURL = "docker://${imageName}@${imageDigest}";
        destNameTag = "${finalImageName}:${finalImageTag}";
        impureEnvVars = [
          "http_proxy"
          "https_proxy"
          "ftp_proxy"
          "all_proxy"
          "no_proxy"
          "HTTP_PROXY"
          "HTTPS_PROXY"
          "FTP_PROXY"
          "ALL_PROXY"
          "NO_PROXY"
        ];
      }
      // (if algorithm == null then { } else { outputHashAlgo = algorithm; })
    )
    # cat keeps skopeo from drawing a progress bar.
    ''
      skopeo \
        --insecure-policy \
        --tmpdir="$TMPDIR" \
        --override-os ${os} \
        --override-arch ${arch} \
        copy \
        --src-tls-verify=${if tlsVerify then "true" else "false"} \
        "$sourceURL" "docker-archive://$out:$destNameTag" \
        | cat
    ''
  // {
    prefetch = runnable {
      inherit name;
      builder = "prefetch-archive";
      arguments =
        "docker://${imageName}:${finalImageTag} --platform ${os}/${arch} --tag ${finalImageName}:${finalImageTag}"
        + " --skopeo ${pkgs.buildPackages.skopeo}/bin/skopeo"
        + (if tlsVerify then "" else " --plain-http");
    };
  }
