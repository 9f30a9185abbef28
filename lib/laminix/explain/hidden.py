"""Files that no container sees, because a later layer replaces or deletes them."""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laminix.merge.merged_tree import MergedTree, Node
from laminix.tar.entries import FILE, Entry, is_whiteout


class HiddenFile(NamedTuple):
    """A file that takes space in a layer and that no container sees."""

    path: bytes
    layer: int
    size: int  # bytes of its content


class _AnySize:
    """Keep files of every size in the tree."""

    def __contains__(self, size: int) -> bool:
        return True


def visible(layers: Sequence[list[Entry]]) -> Iterator[tuple[bytes, Node]]:
    """What a container sees of LAYERS, the entries of each, base layer first: paths and what stands there.

    The root is left out. A hard link stands there as the file it links to.
    """
    tree = MergedTree(_AnySize())
    for entries in layers:
        # The tree hashes contents; without any, that costs nothing.
        tree.add_layer((entry, io.BytesIO()) for entry in entries)
    found = [(b"", tree.find(b""))]
    for path, node in found:
        if path:
            yield path, node
        prefix = path + b"/" if path else b""
        found += [(prefix + name, child) for name, child in (node.children or {}).items()]


def hidden_files(layers: Sequence[list[Entry]]) -> list[HiddenFile]:
    """The hidden files of an image whose LAYERS have these entries, base layer first; in the layers' order."""
    # Entries are compared by identity: equal entries of two layers are different, and an image may have a layer twice.
    layers = [[entry._replace() for entry in entries] for entries in layers]
    seen = {id(node.entry) for _, node in visible(layers)}
    return [
        HiddenFile(entry.path, number, entry.size)
        for number, entries in enumerate(layers)
        for entry in entries
        if entry.type == FILE and id(entry) not in seen and not is_whiteout(entry.path)
    ]
