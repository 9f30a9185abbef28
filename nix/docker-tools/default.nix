/**
  The image functions of nixpkgs' dockerTools, with the same arguments, built by laminix.

  # Type

  ```
  { <name> :: Any } -> { <function> :: AttrSet -> Derivation, <helper> :: Derivation | String }
  ```

  The argument is the scope of laminix's own functions (see ../make-scope.nix).
*/
laminix:

let
  # The public functions.
  functionFiles = {
    buildImage = ./build-image.nix;
    buildLayeredImage = ./build-layered-image.nix;
    buildNixShellImage = ./build-nix-shell-image.nix;
    exportImage = ./export-image.nix;
    mergeImages = ./merge-images.nix;
    pullImage = ./pull-image.nix;
    streamLayeredImage = ./stream-layered-image.nix;
    streamNixShellImage = ./stream-nix-shell-image.nix;
  };

  # What these functions share.
  internalFiles = {
    archiveCompression = ./archive-compression.nix;
    assembleImage = ./assemble-image.nix;
    commandTools = ./command-tools.nix;
    creationTime = ./creation-time.nix;
    customisationLayer = ./customisation-layer.nix;
    goArchitecture = ./go-architecture.nix;
    imageOfParent = ./image-of-parent.nix;
    makeOverridable = ./make-overridable.nix;
    pathList = ./path-list.nix;
    rootStep = ./root-step.nix;
    runBash = ./run-bash.nix;
    storeLayers = ./store-layers.nix;
    toLower = ./to-lower.nix;
    updatePlan = ./update-plan.nix;
  };

  helperFiles = {
    binSh = ./bin-sh.nix;
    caCertificates = ./ca-certificates.nix;
    fakeNss = ./fake-nss.nix;
    shadowSetup = ./shadow-setup.nix;
    usrBinEnv = ./usr-bin-env.nix;
  };

  # nixpkgs' own helpers, where pkgs has them.
  helpers = builtins.mapAttrs (name: _: laminix.pkgs.dockerTools.${name} or scope.${name}) helperFiles;

  # exportImage and mergeImages call laminix's functions of the same names, as laminix.exportImage.
  scope = import ../make-scope.nix (laminix // { inherit laminix; }) (
    functionFiles // internalFiles // helperFiles
  );

  withNixDb = function: arguments: function (arguments // { includeNixDB = true; });

  functions =
    builtins.intersectAttrs functionFiles scope
    // helpers
    // {
      buildImageWithNixDb = withNixDb scope.buildImage;
      buildLayeredImageWithNixDb = withNixDb scope.buildLayeredImage;
    };

  theirExamples = import (laminix.pkgs.path + "/pkgs/build-support/docker/examples.nix");
in
functions
// {
  # nixpkgs' own examples, built by the functions here; laminix's where there is no nixpkgs.
  examples =
    if laminix.pkgs ? callPackage && laminix.pkgs ? path then
      laminix.pkgs.callPackage theirExamples (
        # Which functions the file takes differs from one nixpkgs to the next.
        builtins.intersectAttrs (builtins.functionArgs theirExamples) functions
      )
    else
      import ../examples laminix;

  # As callPackage's: `dockerTools.override { bash = …; }` takes other packages.
  override =
    changes:
    let
      packages = if builtins.isFunction changes then changes laminix.pkgs else changes;
    in
    (import ../.. { pkgs = laminix.pkgs // packages; }).dockerTools;
}
