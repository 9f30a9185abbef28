{
  compress,
  names,
  overridable,
  packImage,
  pkgs,
  streamLayeredImage,
}:

overridable (
  /**
    dockerTools.buildLayeredImage: an image of many layers, as a docker archive.

    # Type

    ```
    buildLayeredImage :: { name :: String, … } -> Derivation
    ```

    The arguments are streamLayeredImage's, and `compressor`; all are described in this folder's README.
  */
  {
    name,
    compressor ? "gz",
    tag ? null,
    fromImage ? null,
    contents ? [ ],
    config ? { },
    architecture ? pkgs.stdenv.hostPlatform.go.GOARCH,
    created ? "1970-01-01T00:00:01Z",
    mtime ? "1970-01-01T00:00:01Z",
    uid ? 0,
    gid ? 0,
    uname ? "root",
    gname ? "root",
    maxLayers ? 100,
    extraCommands ? "",
    fakeRootCommands ? "",
    enableFakechroot ? false,
    includeStorePaths ? true,
    includeNixDB ? false,
    passthru ? { },
    meta ? { },
    layeringPipeline ? null,
    debug ? false,
    # Not in dockerTools:
    adjustPlan ? plan: plan,
    annotations ? { },
    fromImageName ? null,
    fromImageTag ? null,
    layerCompressor ? "none",
    layeringPlan ? null,
    perms ? [ ],
    pin ? [ ],
  }@arguments:

  let
    stream = streamLayeredImage (removeAttrs arguments [ "compressor" ]);
    outer = import ./outer-compressors.nix compressor;
    archive = packImage { inherit (stream) image; };
  in
  compress {
    name = "${(names name).baseName}.tar${outer.ending}";
    file = archive;
    compressor = outer.name;
    inherit meta;
    passthru = {
      inherit stream;
      inherit (stream)
        image
        imageName
        imageTag
        layer
        layers
        plan
        updatePlan
        ;
    }
    // passthru;
  }
)
