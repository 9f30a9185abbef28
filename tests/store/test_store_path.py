"""What stays of a store path's name when a package is updated."""

import pytest

from laminix.store.store_path import full_name, package_name

HASH = "/nix/store/" + "0" * 32


@pytest.mark.parametrize(
    "name, package",
    [
        ("glibc-2.40-36", "glibc"),
        ("glibc-2.40-36-dev", "glibc-dev"),
        ("hello", "hello"),
        ("source", "source"),
        ("python3-3.13.1", "python3"),
        ("libbz2-1.0-1.0.8-6", "libbz2"),
        ("nixos-system-host-25.05pre-git", "nixos-system-host-git"),
        ("font-", "font-"),
        ("unstable-2024-01-01", "unstable"),
    ],
)
def test_names(name, package):
    assert full_name(f"{HASH}-{name}") == name
    assert package_name(f"{HASH}-{name}") == package


def test_a_name_without_a_hash():
    assert package_name("/somewhere/tool-1.2") == "tool"
