/**
  The example images, by name.

  The argument is the scope of laminix's functions (see ../make-scope.nix).  Examples also find each other
  in it, under `examples`.
*/
laminix:

let
  examples = builtins.intersectAttrs files scope;
  scope = import ../make-scope.nix (laminix // { inherit examples; }) files;

  files = {
    hello = ./hello.nix;
    web-server = ./web-server.nix;
    shared-layers = ./shared-layers.nix;
    non-root = ./non-root.nix;
    whiteouts = ./whiteouts.nix;
    on-layers = ./on-layers.nix;
    on-that-again = ./on-that-again.nix;
    on-archive = ./on-archive.nix;
  };
in
examples
