"""The tree of a layer: the paths that have sources on disk or are removed, and the directories above them.

A node may have sources (files or directories on disk that appear at its path) and children. A removed node becomes
a whiteout.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from laminix.errors import LaminixError, shown
from laminix.regular_file import kind_of
from laminix.store.store_path import is_store_path
from laminix.tar.entries import WHITEOUT_PREFIX


class Source(NamedTuple):
    """A file, link or directory on disk that appears in the layer."""

    path: bytes
    in_store: bool  # modes are written as in the Nix store: 0444 or 0555


@dataclass
class LayerNode:
    """One path of the layer."""

    sources: list[Source] = field(default_factory=list)
    children: dict[bytes, "LayerNode"] = field(default_factory=dict)
    removed: bool = False


def layer_tree(
    copies: Iterable[tuple[str, str]] = (),
    store_paths: Iterable[str] = (),
    removed: Iterable[str] = (),
    files: Iterable[tuple[str, str]] = (),
) -> LayerNode:
    """Return the root of the tree of a layer.

    COPIES are pairs of a path on disk and its destination in the layer: where the contents of a directory go ("/"
    is the root), or the path of a file. STORE_PATHS keep their paths. REMOVED are paths of lower layers to hide.
    FILES are pairs of a file, link or directory on disk and its path in the layer. Raises LaminixError for a source
    that is missing or has the wrong type, and for a path that a layer cannot contain.
    """
    root = LayerNode()
    for directory, destination in copies:
        _node_at(root, destination).sources.append(_copied(directory, destination))
    for path in sorted(set(store_paths)):
        _node_at(root, path).sources.append(_store_path(path))
    for source, path in files:
        if not _parts(path):
            raise LaminixError("bad path in a layer", "a file cannot be the root of a layer", path)
        _node_at(root, path).sources.append(Source(os.fsencode(source), in_store=False))
    for path in removed:
        parts = _parts(path)
        if not parts:
            raise LaminixError("bad path to remove", "the root of a layer cannot be removed", path)
        _node_at(root, path).removed = True
    return root


def _node_at(root: LayerNode, path: str) -> LayerNode:
    """Return the node at PATH. Creates it and the nodes above it if they are missing."""
    node = root
    for part in _parts(path):
        node = node.children.setdefault(part, LayerNode())
    return node


def _parts(path: str) -> list[bytes]:
    parts = [part for part in os.fsencode(path).split(b"/") if part not in (b"", b".")]
    for part in parts:
        if part == b"..":
            raise LaminixError("bad path in a layer", "found '..', expected a path without it", path)
        if part.startswith(WHITEOUT_PREFIX):
            raise LaminixError("bad path in a layer", "names that start with '.wh.' are reserved for whiteouts", path)
        if b"\0" in part:
            raise LaminixError("bad path in a layer", "found a zero byte, which no path can contain", path)
    return parts


def _copied(path: str, destination: str) -> Source:
    """Return the source for a directory or file to copy. A link to one is followed."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise LaminixError("cannot copy", "no such file or directory", path) from None
    if stat.S_ISREG(found.st_mode) and not _parts(destination):
        raise LaminixError("cannot copy", f"found a file without a destination, expected {shown(path)}:/PATH")
    if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
        raise LaminixError("cannot copy", f"found {kind_of(found.st_mode)}, expected a directory or a file", path)
    return Source(os.fsencode(os.path.realpath(path)), in_store=False)


def _store_path(path: str) -> Source:
    """Return the source for a store path, which is a directory, a file or a link."""
    if not is_store_path(path):
        expected = "expected STORE/HASH-NAME, such as /nix/store/00000000000000000000000000000000-hello"
        raise LaminixError("bad store path", f"found {shown(path)!r}, {expected}")
    if not os.path.lexists(path):
        raise LaminixError("cannot pack", "no such store path", path)
    return Source(os.fsencode(path), in_store=True)
