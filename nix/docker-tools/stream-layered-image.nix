{
  assembleImage,
  compressorPackages,
  customisationLayer,
  makeOverridable,
  mkConfig,
  mkNixDb,
  mkStreamer,
  pkgs,
  storeLayers,
  storeName,
  toLower,
  updatePlan,
}:

makeOverridable (
  /**
    dockerTools.streamLayeredImage: a program that writes an image of many layers as a docker archive.

    # Type

    ```
    streamLayeredImage :: { name :: String, … } -> Derivation
    ```

    The arguments are described in this folder's README.
  */
  {
    name,
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
  }:

  let
    baseName = storeName name;

    trees = if builtins.isList contents then contents else [ contents ];
    configFile = mkConfig {
      name = "${baseName}-config.json";
      config = if config == null then { } else config;
    };

    customisation = customisationLayer {
      name = "${baseName}-customisation-layer";
      # Of two with the same file the first counts, as with lndir.
      link = reversed trees;
      withClosure = false;
      nixDb =
        if includeNixDB then
          mkNixDb {
            closure = trees ++ [ configFile ];
            omitRoot = [ configFile ];
          }
        else
          null;
      compressor = layerCompressor;
      inherit
        extraCommands
        fakeRootCommands
        mtime
        perms
        ;
    };

    stored = storeLayers {
      name = "${baseName}-store-layers";
      roots = customisation.roots ++ [ configFile ];
      # Layers are made again when they are streamed, but not by a command.
      blob = !builtins.elem layerCompressor [
        "none"
        "gzip"
        "zstd"
      ];
      compressor = layerCompressor;
      inherit
        adjustPlan
        fromImage
        layeringPlan
        maxLayers
        mtime
        pin
        uid
        gid
        uname
        gname
        ;
    };

    image = assembleImage {
      layers = (if includeStorePaths then [ stored ] else [ ]) ++ [ customisation ];
      inherit
        name
        tag
        config
        fromImage
        fromImageName
        fromImageTag
        created
        architecture
        annotations
        ;
    };

    reversed = list: builtins.foldl' (done: item: [ item ] ++ done) [ ] list;

    result = mkStreamer {
      name = "stream-${baseName}";
      tools = compressorPackages layerCompressor;
      inherit image meta;
      passthru = {
        conf = configFile;
        isExe = true;
        streamScript = result;
        layer = customisation;
        inherit (stored) plan;
        updatePlan = updatePlan stored.plan;
        imageName = toLower name;
        inherit image;
        inherit (image) imageTag layers;
      }
      // passthru;
    };
  in
  if enableFakechroot then
    throw "laminix: streamLayeredImage: enableFakechroot is not there yet; fakeRootCommands run in the layer's tree, with relative paths (image ${name})"
  else if includeStorePaths && maxLayers < 2 then
    throw "laminix: streamLayeredImage: maxLayers = ${toString maxLayers} leaves none for store paths, the customisation layer is one (image ${name})"
  else if layeringPipeline != null then
    throw "laminix: streamLayeredImage: layeringPipeline is not followed; see pin, layeringPlan and adjustPlan (image ${name})"
  else
    result
)
