"""Store paths, ``/nix/store/HASH-NAME-VERSION``: their spelling, and their names with and without the version."""

import os
import re

HASH_LENGTH = 32
HASH_CHARACTERS = rb"0-9a-df-np-sv-z"  # Nix's base 32 has no e, o, t and u
BASE_NAME = re.compile(rb"[%s]{%d}-[0-9A-Za-z+\-._?=]+" % (HASH_CHARACTERS, HASH_LENGTH))

HASH = re.compile(r"[0-9a-z]{32}-")
# As in builtins.parseDrvName, the version starts after the first dash that is not followed by a letter.
VERSION = re.compile(r"-[^a-zA-Z]")
# Letters after the last dash are the name of an output (glibc-2.40-dev), which an update does not change.
OUTPUT = re.compile(r"-[a-zA-Z]+$")


def is_store_path(path: str) -> bool:
    """Return whether PATH is the normalised spelling of a store path, STORE/HASH-NAME, in any store directory."""
    # Paths are compared as text, so other spellings are not accepted.
    clean = path.startswith("/") and not path.startswith("//") and os.path.normpath(path) == path
    return clean and BASE_NAME.fullmatch(os.fsencode(os.path.basename(path))) is not None


def full_name(path: str) -> str:
    """Return the name of store path PATH with its version: ``glibc-2.40`` for ``/nix/store/HASH-glibc-2.40``."""
    name = path[path.rfind("/") + 1 :]
    return name[33:] if HASH.match(name) else name


def package_name(path: str) -> str:
    """Return the name of store path PATH without its version: ``glibc`` for ``/nix/store/HASH-glibc-2.40``."""
    return without_version(full_name(path))


def without_version(name: str) -> str:
    """Return NAME without its version: ``glibc-dev`` for ``glibc-2.40-dev``."""
    return split_version(name)[0]


def split_version(name: str) -> tuple[str, str]:
    """Return NAME without its version, and the version: ``("glibc-dev", "2.40")`` for ``glibc-2.40-dev``.

    The version is empty if NAME has none.
    """
    version = VERSION.search(name)
    if version is None:
        return name, ""
    output = OUTPUT.search(name, version.end())
    end = output.start() if output else len(name)
    return name[: version.start()] + name[end:], name[version.start() + 1 : end]
