{
  assembleImage,
  commandTools,
  compressorPackages,
  customisationLayer,
  makeOverridable,
  mkConfig,
  mkNixDb,
  mkStreamer,
  pathList,
  pkgs,
  rootStep,
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
    inheritConfig ? "all",
    layerCompressor ? "none",
    layering ? "single",
    layeringPlan ? null,
    perms ? [ ],
    pin ? [ ],
  }:

  let
    baseName = storeName name;

    trees = pathList contents;

    # Engines take no more layers than this, with a few to spare for images on this one.
    layerLimit = if maxLayers > 125 then 125 else maxLayers;
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
      fakeRootCommands = if needsRoot then "" else fakeRootCommands;
      inherit extraCommands mtime perms;
    };

    # The commands see what dockerTools shows them: the files of this image alone, not those of `fromImage`.
    needsRoot = enableFakechroot && fakeRootCommands != "";
    rootLayers =
      if needsRoot then
        [
          (rootStep {
            name = "${baseName}-fake-root-layer";
            layers = [ customisation ];
            commands = ''
              export PATH=${builtins.concatStringsSep ":" (map (tool: "${tool}/bin") commandTools)}
              ${fakeRootCommands}
            '';
            visible = trees;
            inherit mtime;
          })
        ]
      else
        [ ];

    stored = storeLayers {
      name = "${baseName}-store-layers";
      roots = customisation.roots ++ rootLayers ++ [ configFile ];
      maxLayers = layerLimit - builtins.length rootLayers;
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
        layering
        layeringPipeline
        layeringPlan
        mtime
        pin
        uid
        gid
        uname
        gname
        ;
    };

    image = assembleImage {
      function = "streamLayeredImage";
      layers = (if includeStorePaths then [ stored ] else [ ]) ++ [ customisation ] ++ rootLayers;
      inherit
        name
        tag
        config
        fromImage
        fromImageName
        fromImageTag
        inheritConfig
        created
        architecture
        annotations
        ;
    };

    fewestLayers = 2 + builtins.length rootLayers;

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
        inherit (stored) plan arrangedPlan;
        updatePlan = updatePlan stored.plan;
        imageName = toLower name;
        inherit image;
        inherit (image) imageTag layers;
      }
      // passthru;
    };
  in
  if includeStorePaths && maxLayers < fewestLayers then
    throw "laminix: dockerTools.streamLayeredImage: `maxLayers` is ${toString maxLayers}, but it should be at least ${toString fewestLayers}: one for store paths, one for the customisation layer${
      if needsRoot then ", one for what `fakeRootCommands` change" else ""
    }. (image ${name})"
  else
    result
)
