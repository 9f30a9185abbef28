/**
  The example images, by name.

  The argument is the scope of laminix's functions (see ../make-scope.nix).  Examples also find each other
  in it, under `examples`.
*/
laminix:

let
  examples = builtins.intersectAttrs files scope;
  scope = import ../make-scope.nix (laminix // { inherit examples; }) (files // internalFiles);

  # What several examples use.
  internalFiles = {
    toolsLayer = ./tools-layer.nix;
  };

  files = {
    hello = ./hello.nix;
    web-server = ./web-server.nix;
    web-application = ./web-application.nix;
    morning = ./morning.nix;
    evening = ./evening.nix;
    non-root = ./non-root.nix;
    whiteouts = ./whiteouts.nix;
    on-layers = ./on-layers.nix;
    on-that-again = ./on-that-again.nix;
    on-archive = ./on-archive.nix;
    root-steps = ./root-steps.nix;
  };
in
examples
