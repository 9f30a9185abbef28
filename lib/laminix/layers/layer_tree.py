"""What goes into a layer and where: sources on disk, the directories above them, whiteouts.

The places of a layer form a tree.  A place may have sources (files or trees on disk that appear there),
places below it, and a mark that says "removed", which becomes a whiteout.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from laminix.tar.entries import WHITEOUT_PREFIX
from laminix.errors import LaminixError, shown
from laminix.regular_file import kind_of
from laminix.store.store_path import is_store_path


class Source(NamedTuple):
    """A file, link or directory on disk that appears in the layer."""

    path: bytes
    in_store: bool  # modes are written as Nix keeps them: 0444 or 0555


@dataclass
class Place:
    """A path of the layer that something is said about."""

    sources: list[Source] = field(default_factory=list)
    below: dict[bytes, "Place"] = field(default_factory=dict)
    removed: bool = False


def layer_tree(
    copies: Iterable[tuple[str, str]] = (),
    store_paths: Iterable[str] = (),
    removed: Iterable[str] = (),
) -> Place:
    """The root of a layer's places.

    COPIES are directories and where they go ("/" is the layer's root); STORE_PATHS appear under their own
    names; REMOVED are paths of lower layers to hide.  Raises LaminixError for a source that is missing or
    of the wrong kind, and for paths that cannot be in a layer.
    """
    root = Place()
    for directory, destination in copies:
        _place(root, destination).sources.append(_directory(directory))
    for path in sorted(set(store_paths)):
        _place(root, path).sources.append(_store_path(path))
    for path in removed:
        parts = _parts(path)
        if not parts:
            raise LaminixError("bad path to remove", "the root of a layer cannot be removed", path)
        _place(root, path).removed = True
    return root


def _place(root: Place, path: str) -> Place:
    """The place at PATH, made with those above it where there is none yet."""
    place = root
    for part in _parts(path):
        place = place.below.setdefault(part, Place())
    return place


def _parts(path: str) -> list[bytes]:
    parts = [part for part in os.fsencode(path).split(b"/") if part not in (b"", b".")]
    for part in parts:
        if part == b"..":
            raise LaminixError("bad path in a layer", "it has a '..' in it", path)
        if part.startswith(WHITEOUT_PREFIX):
            raise LaminixError("bad path in a layer", "'.wh.' begins the names of whiteouts", path)
        if b"\0" in part:
            raise LaminixError("bad path in a layer", "it has a zero byte in it", path)
    return parts


def _directory(path: str) -> Source:
    """The directory to copy; a link to one is followed."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise LaminixError("cannot copy", "no such directory", path) from None
    if not stat.S_ISDIR(found.st_mode):
        raise LaminixError("cannot copy", f"found {kind_of(found.st_mode)}, expected a directory", path)
    return Source(os.fsencode(os.path.realpath(path)), in_store=False)


def _store_path(path: str) -> Source:
    """The store path, a directory, a file or a link."""
    if not is_store_path(path):
        expected = "expected STORE/HASH-NAME, such as /nix/store/00000000000000000000000000000000-hello"
        raise LaminixError("bad store path", f"found {shown(path)!r}, {expected}")
    if not os.path.lexists(path):
        raise LaminixError("cannot pack", "no such store path", path)
    return Source(os.fsencode(path), in_store=True)
