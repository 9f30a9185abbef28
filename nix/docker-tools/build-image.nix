{
  archiveCompression,
  assembleImage,
  compress,
  customisationLayer,
  makeOverridable,
  mkConfig,
  mkNixDb,
  packImage,
  parentInfo,
  pkgs,
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
    layerCompressor ? "none",
    perms ? [ ],
  }@arguments:

  let
    baseName = storeName name;

    roots =
      if contents == null then
        copyToRoot
      else if copyToRoot == null then
        builtins.trace "laminix: dockerTools.buildImage: `contents` is deprecated, use `copyToRoot` instead. (image ${name})" contents
      else
        throw "laminix: dockerTools.buildImage: `contents` and `copyToRoot` are both given, but `contents` is the old name of `copyToRoot`. Remove `contents`. (image ${name})";
    copy =
      if roots == null then
        [ ]
      else if builtins.isList roots then
        roots
      else
        [ roots ];

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

    layer = customisationLayer {
      name = "docker-layer-${baseName}";
      keepDirlinks = keepContentsDirlinks;
      withClosure = true;
      mentions = configFiles;
      nixDb =
        if includeNixDB then
          mkNixDb {
            closure = copy ++ configFiles;
            omitRoot = copy ++ configFiles;
          }
        else
          null;
      exclude = (parentInfo fromImage).layers;
      compressor = layerCompressor;
      inherit
        copy
        extraCommands
        uid
        gid
        perms
        ;
    };

    image = assembleImage {
      layers = [ layer ];
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

    compression = archiveCompression "buildImage" compressor;
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
  if runAsRoot != null then
    throw "laminix: dockerTools.buildImage: `runAsRoot` is not supported. Use `fakeRootCommands` of buildLayeredImage, which needs no root. (image ${name})"
  else
    result
)
