"""Store paths by name: what stays of ``/nix/store/HASH-NAME-VERSION`` when a package is updated."""

import re

HASH = re.compile(r"[0-9a-z]{32}-")
# builtins.parseDrvName: the version starts at the first dash that no letter follows.
VERSION = re.compile(r"-[^a-zA-Z]")
# A last part of letters alone is the name of an output (glibc-2.40-dev), and belongs to what stays.
OUTPUT = re.compile(r"-[a-zA-Z]+$")


def full_name(path: str) -> str:
    """The name of store path PATH with its version: ``glibc-2.40`` for ``/nix/store/HASH-glibc-2.40``."""
    name = path[path.rfind("/") + 1 :]
    return name[33:] if HASH.match(name) else name


def package_name(path: str) -> str:
    """The name of store path PATH without its version: ``glibc`` for ``/nix/store/HASH-glibc-2.40``."""
    return without_version(full_name(path))


def without_version(name: str) -> str:
    """NAME without its version: ``glibc-dev`` for ``glibc-2.40-dev``."""
    version = VERSION.search(name)
    if version is None:
        return name
    output = OUTPUT.search(name, version.end())
    return name[: version.start()] + (output[0] if output else "")
