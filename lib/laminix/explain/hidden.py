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


def hidden_files(layers: Sequence[list[Entry]]) -> list[HiddenFile]:
    """The hidden files of an image whose LAYERS have these entries, base layer first; in the layers' order."""
    tree = MergedTree(_AnySize())
    for entries in layers:
        # The tree hashes contents; without any, that costs nothing.
        tree.add_layer((entry, io.BytesIO()) for entry in entries)
    seen = {id(entry) for entry in _seen(tree.find(b""))}
    return [
        HiddenFile(entry.path, number, entry.size)
        for number, entries in enumerate(layers)
        for entry in entries
        if entry.type == FILE and id(entry) not in seen and not is_whiteout(entry.path)
    ]


def _seen(root: Node) -> Iterator[Entry]:
    """The entries of all that a container sees; of a hard link, the entry of its file."""
    nodes = [root]
    for node in nodes:
        if node.children is None:
            yield node.entry
        else:
            nodes += node.children.values()
