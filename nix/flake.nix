{
  description = "Container images from Nix, by small executables that run as derivation builders";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      darwin = [
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      # VALUE of laminix, by system.
      each =
        systems: value:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = value (import ../. { pkgs = nixpkgs.legacyPackages.${system}; });
          }) systems
        );
    in
    {
      overlays.default = import ./overlay.nix;

      packages = each (linux ++ darwin) (laminix: {
        default = laminix;
      });

      # The functions on nixpkgs as this flake has it, such as lib.x86_64-linux.mkImage.
      lib = each (linux ++ darwin) (laminix: laminix);

      # The examples' programs are this system's, and images are for Linux.
      checks = each linux (laminix: {
        hello = laminix.verifyImage { image = laminix.examples.hello; };
      });
    };
}
