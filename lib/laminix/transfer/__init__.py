"""Images on their way between the Nix store, registries and engines."""
