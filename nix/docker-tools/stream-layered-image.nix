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
    dockerTools.streamLayeredImage: build a program that writes an image of many layers as a Docker archive.

    # Type

    ```
    streamLayeredImage :: { name :: String, … } -> Derivation
    ```

    nix/docker-tools/README.md describes the arguments.
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
      lenientConfig = true;
    };

    customisation = customisationLayer {
      name = "${baseName}-customisation-layer";
      # mk-tree's later directories win; with lndir, which dockerTools uses, the first does.
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
    throw "laminix: dockerTools.streamLayeredImage: `enableFakechroot` is not supported. `fakeRootCommands` run in the root of the layer: use relative paths in them. (image ${name})"
  else if includeStorePaths && maxLayers < 2 then
    throw "laminix: dockerTools.streamLayeredImage: `maxLayers` is ${toString maxLayers}, but it should be at least 2: one for store paths, one for the customisation layer. (image ${name})"
  else if layeringPipeline != null then
    throw "laminix: dockerTools.streamLayeredImage: `layeringPipeline` is not supported. Use `pin`, `layeringPlan` or `adjustPlan` instead. (image ${name})"
  else
    result
)
