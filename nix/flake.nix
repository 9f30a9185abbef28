{
  description = "Builders of reproducible container images: small executables that run as Nix derivation builders";

  # In your own flake, add `inputs.laminix.inputs.nixpkgs.follows = "nixpkgs"`.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      # Only systems on which the tests are run.  The overlay works with the packages of any system.
      systems = [ "x86_64-linux" ];

      builders = builtins.attrNames (builtins.readDir ../builders);

      # `output` of laminix for each system.
      forEachSystem =
        output:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = output (import ../. { pkgs = nixpkgs.legacyPackages.${system}; });
          }) systems
        );

      appOf = laminix: builder: {
        name = builder;
        value = {
          type = "app";
          program = "${laminix}/bin/${builder}";
          meta.description = "Run laminix's builder ${builder}; `--help` describes it";
        };
      };
    in
    {
      overlays.default = import ./overlay.nix;

      nixosModules.default = ./nixos-module.nix;

      packages = forEachSystem (laminix: {
        default = laminix;
      });

      # Every builder, such as `nix run …#list-layers -- IMAGE`.
      apps = forEachSystem (laminix: builtins.listToAttrs (map (appOf laminix) builders));

      # The functions, such as lib.x86_64-linux.mkImage.
      lib = forEachSystem (laminix: laminix);

      checks = forEachSystem (laminix: {
        hello = laminix.verifyImage { image = laminix.examples.hello; };
      });
    };
}
