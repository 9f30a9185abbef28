"""The Nix store: store paths, closures, references in files, the registration database."""
