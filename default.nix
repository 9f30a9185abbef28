/**
  laminix: a package of its builders, whose attributes are the functions that call them.

  `nix-build` builds the package, which has all builders in bin/.  nix/README.md describes the functions
  (`mkLayer`, `mkImage`, …) and the images in `examples`.

  `pkgs` defaults to `<nixpkgs>`, or to stand-ins made of the host's programs if there is no `<nixpkgs>`.
  If `pkgs` is given, neither `<nixpkgs>` nor the current system is looked up.
*/
{
  pkgs ?
    if (builtins.tryEval <nixpkgs>).success then
      import <nixpkgs> { }
    else
      import ./nix/host-pkgs.nix { },
}:

let
  # The public functions.  Each is described in nix/README.md.
  functionFiles = {
    arrangePlan = ./nix/arrange-plan.nix;
    certificateFiles = ./nix/certificate-files.nix;
    compress = ./nix/compress.nix;
    diffImage = ./nix/diff-image.nix;
    envFiles = ./nix/env-files.nix;
    explainImage = ./nix/explain-image.nix;
    explainPlan = ./nix/explain-plan.nix;
    exportImage = ./nix/export-image.nix;
    fetchImage = ./nix/fetch-image.nix;
    listLayers = ./nix/list-layers.nix;
    mergeImages = ./nix/merge-images.nix;
    mergeParent = ./nix/merge-parent.nix;
    mkArtifact = ./nix/mk-artifact.nix;
    mkBundle = ./nix/mk-bundle.nix;
    mkConfig = ./nix/mk-config.nix;
    mkImage = ./nix/mk-image.nix;
    mkIndex = ./nix/mk-index.nix;
    mkLayer = ./nix/mk-layer.nix;
    mkLayers = ./nix/mk-layers.nix;
    mkNixDb = ./nix/mk-nix-db.nix;
    mkSbom = ./nix/mk-sbom.nix;
    mkStreamer = ./nix/mk-streamer.nix;
    mkTree = ./nix/mk-tree.nix;
    packImage = ./nix/pack-image.nix;
    planLayers = ./nix/plan-layers.nix;
    runImage = ./nix/run-image.nix;
    runLayer = ./nix/run-layer.nix;
    shellFiles = ./nix/shell-files.nix;
    unpackImage = ./nix/unpack-image.nix;
    userFiles = ./nix/user-files.nix;
    verifyImage = ./nix/verify-image.nix;
  };

  # What these functions share.
  internalFiles = {
    binOutput = ./nix/bin-output.nix;
    build = ./nix/build.nix;
    builderProgram = ./nix/builder-program.nix;
    buildersPackage = ./nix/builders-package.nix;
    compressionEnding = ./nix/compression-ending.nix;
    compressorPackages = ./nix/compressor-packages.nix;
    decompressorPackages = ./nix/decompressor-packages.nix;
    engineImage = ./nix/engine-image.nix;
    imageAttributes = ./nix/image-attributes.nix;
    imageDirectory = ./nix/image-directory.nix;
    imagePrograms = ./nix/image-programs.nix;
    layoutForms = ./nix/layout-forms.nix;
    mentionedPaths = ./nix/mentioned-paths.nix;
    parentInfo = ./nix/parent-info.nix;
    planPieces = ./nix/plan-pieces.nix;
    reportName = ./nix/report-name.nix;
    runnable = ./nix/runnable.nix;
    sourceRoots = ./nix/source-roots.nix;
    storeName = ./nix/store-name.nix;
    transportForms = ./nix/transport-forms.nix;
    weightsOption = ./nix/weights-option.nix;
  };

  scope = import ./nix/make-scope.nix { inherit pkgs; } (functionFiles // internalFiles);
  package = scope.buildersPackage "laminix" (builtins.attrNames (builtins.readDir ./builders));
in
package
// builtins.intersectAttrs functionFiles scope
// {
  # The packages that laminix uses, for expressions that build images of them.
  inherit pkgs;
  dockerTools = import ./nix/docker-tools scope;
  examples = import ./nix/examples scope;
  meta.description = "Builders of reproducible container images: small executables that run as Nix derivation builders";
}
