"""Binary caches of Nix: layers without a blob, made of NARs that a cache has."""
