{
  description = "Container images from Nix, by small executables that run as derivation builders";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      laminixFor = system: import ../. { pkgs = nixpkgs.legacyPackages.${system}; };
      forSystems =
        value:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = value (laminixFor system);
          }) systems
        );
    in
    {
      overlays.default = import ./overlay.nix;

      packages = forSystems (laminix: {
        default = laminix;
        hello = laminix.examples.hello;
      });

      # The functions, on nixpkgs as this flake has it: laminix.lib.x86_64-linux.mkImage { … }.
      lib = forSystems (laminix: laminix);

      checks = forSystems (laminix: {
        hello = laminix.verifyImage { image = laminix.examples.hello; };
      });
    };
}
