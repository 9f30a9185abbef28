/**
  dockerTools' functions, with their arguments, on laminix's builders.

  LAMINIX is the scope of laminix's own functions.
*/
laminix:

let
  call =
    file:
    let
      function = import file;
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) scope);

  scope = laminix // {
    base = call ./base.nix;
    customise = call ./customise.nix;
    imageOf = call ./image-of.nix;
    names = call ./names.nix;
    overridable = call ./overridable.nix;
    runBash = call ./run-bash.nix;
    storeLayers = call ./store-layers.nix;
    updatePlan = call ./update-plan.nix;
    inherit (functions) streamLayeredImage;
  };

  functions = {
    buildImage = call ./build-image.nix;
    buildLayeredImage = call ./build-layered-image.nix;
    streamLayeredImage = call ./stream-layered-image.nix;

    buildImageWithNixDb = arguments: functions.buildImage (arguments // { includeNixDB = true; });
    buildLayeredImageWithNixDb =
      arguments: functions.buildLayeredImage (arguments // { includeNixDB = true; });
  };

  helpers = {
    binSh = call ./bin-sh.nix;
    caCertificates = call ./ca-certificates.nix;
    fakeNss = call ./fake-nss.nix;
    shadowSetup = call ./shadow-setup.nix;
    usrBinEnv = call ./usr-bin-env.nix;
  };
in
functions // builtins.mapAttrs (name: own: laminix.pkgs.dockerTools.${name} or own) helpers
