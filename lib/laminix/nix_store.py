"""The directory of the Nix store on this machine."""

import os

STORE_DIRECTORY = "/nix/store"  # the default; $NIX_STORE can name another


def store_directories() -> tuple[str, str]:
    """Return the default store directory and $NIX_STORE, which may be the same."""
    return (STORE_DIRECTORY, os.environ.get("NIX_STORE") or STORE_DIRECTORY)


def lies_in_store(path: str) -> bool:
    """Return whether PATH, with all links followed, lies in the Nix store."""
    real = os.path.realpath(path)
    return any(real.startswith(f"{os.path.realpath(store)}/") for store in store_directories())
