"""The Nix store: closures, store paths by name, the registration database."""
