"""Store paths by name: what stays of ``/nix/store/HASH-NAME-VERSION`` when a package is updated."""

import re

HASH = re.compile(r"^[0-9a-z]{32}-")
# builtins.parseDrvName: the version starts at the first dash that no letter follows.  A last part of
# letters alone is the name of an output (glibc-2.40-dev), and belongs to what stays.
VERSION = re.compile(r"-[^a-zA-Z].*?(?=(-[a-zA-Z]+)?$)")


def full_name(path: str) -> str:
    """The name of store path PATH with its version: ``glibc-2.40`` for ``/nix/store/HASH-glibc-2.40``."""
    return HASH.sub("", path.rpartition("/")[2], count=1)


def package_name(path: str) -> str:
    """The name of store path PATH without its version: ``glibc`` for ``/nix/store/HASH-glibc-2.40``."""
    return VERSION.sub("", full_name(path), count=1)
