/**
  laminix: its builders as a package, with the functions that call them as the package's attributes.

  `nix-build` alone builds the package: bin/ has every builder.  `mkLayer`, `mkImage` and the others are
  described in nix/README.md, `examples` has images to start from.

  Without `pkgs` these are `<nixpkgs>`, or stand-ins from the host where there is no `<nixpkgs>`.  With
  `pkgs`, neither `<nixpkgs>` nor the current system is looked at.
*/
{
  pkgs ?
    if (builtins.tryEval <nixpkgs>).success then import <nixpkgs> { } else import ./nix/host-pkgs.nix { },
}:

let
  # What the first stage of a function's file asks for, from all that there is.
  call =
    file:
    let
      function = import file;
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) (scope // { inherit pkgs; }));

  scope = functions // {
    build = call ./nix/build.nix;
    forms = call ./nix/forms.nix;
    mentionedPaths = call ./nix/mentioned-paths.nix;
    programs = call ./nix/programs.nix;
    toolsOf = call ./nix/tools-of.nix;
    # For those who read layers that anybody compressed; a host may be without.
    zstdTools = if pkgs.buildPackages ? zstd then [ pkgs.buildPackages.zstd ] else [ ];
  };

  functions = {
    compress = call ./nix/compress.nix;
    explainPlan = call ./nix/explain-plan.nix;
    listLayers = call ./nix/list-layers.nix;
    mergeParent = call ./nix/merge-parent.nix;
    mkConfig = call ./nix/mk-config.nix;
    mkImage = call ./nix/mk-image.nix;
    mkLayer = call ./nix/mk-layer.nix;
    mkLayers = call ./nix/mk-layers.nix;
    mkNixDb = call ./nix/mk-nix-db.nix;
    mkStreamer = call ./nix/mk-streamer.nix;
    mkTree = call ./nix/mk-tree.nix;
    packImage = call ./nix/pack-image.nix;
    planLayers = call ./nix/plan-layers.nix;
    verifyImage = call ./nix/verify-image.nix;
  };

  package = scope.programs "laminix" (builtins.attrNames (builtins.readDir ./builders));
in
package
// functions
// {
  # What they are built with, for whoever writes an image beside them.
  inherit pkgs;
  dockerTools = import ./nix/docker-tools (scope // { inherit pkgs; });
  examples = call ./nix/examples;
  meta.description = "Container images from Nix, by small executables that run as derivation builders";
}
