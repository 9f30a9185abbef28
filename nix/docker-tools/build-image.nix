{
  archiveCompression,
  assembleImage,
  commandTools,
  compress,
  customisationLayer,
  goArchitecture,
  imageOfParent,
  makeOverridable,
  mkConfig,
  mkLayer,
  mkNixDb,
  packImage,
  parentInfo,
  pathList,
  pkgs,
  rootStep,
  storeName,
  toLower,
}:

makeOverridable (
  /**
    dockerTools.buildImage: build an image with one layer as a Docker archive.

    # Type

    ```
    buildImage :: { name :: String, … } -> Derivation
    ```

    nix/docker-tools/README.md describes the arguments.
  */
  {
    name,
    tag ? null,
    fromImage ? null,
    fromImageName ? null,
    fromImageTag ? null,
    copyToRoot ? null,
    contents ? null,
    keepContentsDirlinks ? false,
    config ? null,
    architecture ? pkgs.stdenv.hostPlatform.go.GOARCH,
    extraCommands ? "",
    uid ? 0,
    gid ? 0,
    runAsRoot ? null,
    diskSize ? 1024,
    buildVMMemorySize ? 512,
    created ? "1970-01-01T00:00:01Z",
    compressor ? "gz",
    includeNixDB ? false,
    meta ? { },
    # Not in dockerTools:
    annotations ? { },
    inheritConfig ? "all",
    layerCompressor ? "none",
    perms ? [ ],
  }@arguments:

  let
    baseName = storeName name;

    contentsToCopy =
      if contents == null then
        copyToRoot
      else if copyToRoot == null then
        builtins.trace "laminix: dockerTools.buildImage: `contents` is deprecated, use `copyToRoot` instead. (image ${name})" contents
      else
        throw "laminix: dockerTools.buildImage: `contents` and `copyToRoot` are both given, but `contents` is the old name of `copyToRoot`. Remove `contents`. (image ${name})";
    copy = pathList contentsToCopy;

    configFiles =
      if config == null then
        [ ]
      else
        [
          (mkConfig {
            name = "${baseName}-config.json";
            inherit config;
            lenientConfig = true;
          })
        ];

    parent = parentInfo fromImage;
    needsRoot = runAsRoot != null;

    # With runAsRoot, this layer has only the files, and the next one what the commands make of them.
    layer = customisationLayer {
      name = "docker-layer-${baseName}";
      keepDirlinks = keepContentsDirlinks;
      withClosure = !needsRoot;
      mentions = if needsRoot then [ ] else configFiles;
      extraCommands = if needsRoot then "" else extraCommands;
      nixDb =
        if includeNixDB then
          mkNixDb {
            closure = copy ++ configFiles;
            omitRoot = copy ++ configFiles;
          }
        else
          null;
      exclude = if needsRoot then [ ] else parent.layers;
      compressor = layerCompressor;
      inherit
        copy
        uid
        gid
        perms
        ;
    };

    rootLayer = rootStep {
      name = "docker-layer-${baseName}-run-as-root";
      parent = parent.image;
      parentImage = imageOfParent {
        image = name;
        inherit fromImage fromImageName fromImageTag;
      };
      platform = "linux/${goArchitecture architecture}";
      layers = [ layer ];
      # As in nixpkgs, extraCommands come after runAsRoot.
      commands = ''
        (
        export PATH=${pkgs.coreutils}/bin:/bin
        ${runAsRoot}
        )
        export PATH=${builtins.concatStringsSep ":" (map (tool: "${tool}/bin") commandTools)}
        ${extraCommands}
      '';
      visible = copy;
    };

    # Store paths that the files and the config refer to.
    roots = layer.roots ++ [ rootLayer ] ++ configFiles;
    storeLayer = mkLayer {
      name = "docker-layer-${baseName}-store";
      closure = roots;
      omitRoot = roots;
      exclude = parent.layers;
      compressor = layerCompressor;
    };

    image = assembleImage {
      layers =
        if needsRoot then
          [
            storeLayer
            layer
            rootLayer
          ]
        else
          [ layer ];
      function = "buildImage";
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

    compression = archiveCompression {
      function = "buildImage";
      image = name;
    } compressor;
    archive = packImage { inherit image; };
    result = compress {
      name = "docker-image-${baseName}.tar${compression.suffix}";
      file = archive;
      compressor = compression.name;
      inherit meta;
      passthru = {
        buildArgs = arguments;
        imageName = toLower name;
        inherit image layer;
        inherit (image) imageTag layers;
      };
    };
  in
  result
)
