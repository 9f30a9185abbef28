{
  mergeParent,
  mkImage,
  mkLayer,
  pkgs,
}:

let
  # What the example's file asks for, from the functions, the packages and the other examples.
  example =
    file:
    let
      function = import file;
    in
    function (
      builtins.intersectAttrs (builtins.functionArgs function) {
        inherit
          examples
          mergeParent
          mkImage
          mkLayer
          pkgs
          ;
      }
    );

  examples = {
    hello = example ./hello.nix;
    web-server = example ./web-server.nix;
    shared-layers = example ./shared-layers.nix;
    non-root = example ./non-root.nix;
    whiteouts = example ./whiteouts.nix;
    on-layers = example ./on-layers.nix;
    on-that-again = example ./on-that-again.nix;
    on-archive = example ./on-archive.nix;
  };
in
examples
