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
  files = {
    archiveCompression = ./archive-compression.nix;
    assembleImage = ./assemble-image.nix;
    buildImage = ./build-image.nix;
    buildLayeredImage = ./build-layered-image.nix;
    customisationLayer = ./customisation-layer.nix;
    makeOverridable = ./make-overridable.nix;
    parentInfo = ./parent-info.nix;
    runBash = ./run-bash.nix;
    storeLayers = ./store-layers.nix;
    streamLayeredImage = ./stream-layered-image.nix;
    toLower = ./to-lower.nix;
    updatePlan = ./update-plan.nix;
  }
  // helpers;

  helpers = {
    binSh = ./bin-sh.nix;
    caCertificates = ./ca-certificates.nix;
    fakeNss = ./fake-nss.nix;
    shadowSetup = ./shadow-setup.nix;
    usrBinEnv = ./usr-bin-env.nix;
  };

  scope = import ../make-scope.nix laminix files;

  withNixDb = function: arguments: function (arguments // { includeNixDB = true; });
in
{
  inherit (scope) buildImage buildLayeredImage streamLayeredImage;
  buildImageWithNixDb = withNixDb scope.buildImage;
  buildLayeredImageWithNixDb = withNixDb scope.buildLayeredImage;
}
# nixpkgs' own, where pkgs has them.
// builtins.mapAttrs (name: _: laminix.pkgs.dockerTools.${name} or scope.${name}) helpers
