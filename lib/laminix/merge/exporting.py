"""An image's merged tree, as one tar or as a directory: what a container sees (image-spec layer.md, Applying Changesets)."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laminix.errors import LaminixError, shown
from laminix.images.image import Image
from laminix.images.layer_tar import LayerTar
from laminix.merge.merged_tree import MergedTree, Node
from laminix.progress import counted
from laminix.tar.entries import BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK
from laminix.tar.writer import END, header, padding

DEVICES = (CHARACTER_DEVICE, BLOCK_DEVICE)


class Place(NamedTuple):
    """Where a file's content is."""

    layer: int  # base layer first
    offset: int  # in the layer's uncompressed tar, in bytes


class ExportedTree:
    """The merged tree of IMAGE.  Compressed layers are unpacked to the directory SPOOL; no content is in memory.

    Raises LaminixError for a damaged layer.
    """

    def __init__(self, image: Image, spool: str):
        self._layers = [LayerTar(layer, os.path.join(spool, str(i))) for i, layer in enumerate(image.layers)]
        self._tree = _merge(self._layers)

    def tar(self) -> Iterator[bytes]:
        """The tree as a tar in chunks: names start with ``./``, a directory stands before its contents."""
        yield header(self._tree.find(b"").entry._replace(path=b"."))
        first_names: dict[Place, bytes] = {}
        for path, node in self._tree.nodes():
            entry, name = node.entry, b"./" + path
            first = first_names.setdefault(node.digest, name) if entry.type == FILE else name
            if first != name:
                yield header(entry._replace(path=name, type=HARD_LINK, size=0, link=first))
                continue
            yield header(entry._replace(path=name))
            if entry.type == FILE:
                yield from self._content(node)
                yield padding(entry.size)
        yield END

    def write_directory(self, directory: str) -> None:
        """Write the tree into DIRECTORY, which is empty, with permission bits but without owners, times and xattrs.

        Raises LaminixError for a device node, which takes privileges.
        """
        top = os.fsencode(directory)
        first_names: dict[Place, bytes] = {}
        modes = []
        for path, node in self._tree.nodes():
            place = os.path.join(top, path)
            if node.entry.type == DIRECTORY:
                os.mkdir(place)
                modes.append((place, node.entry.mode & 0o777))
            elif node.entry.type == FILE and node.digest in first_names:
                os.link(first_names[node.digest], place)
            else:
                self._write(place, node)
                first_names[node.digest] = place
        # Afterwards, from below: a directory may be closed to its own owner.
        for place, mode in reversed(modes):
            os.chmod(place, mode)

    def _write(self, place: bytes, node: Node) -> None:
        entry = node.entry
        if entry.type == SYMLINK:
            os.symlink(entry.link, place)
        elif entry.type == FIFO:
            os.mkfifo(place, entry.mode & 0o777)
        elif entry.type in DEVICES:
            why = "a device node, which takes privileges; use --format tar, which has it"
            raise LaminixError("cannot export to a directory", f"{shown(entry.path)!r} is {why}")
        else:
            with open(place, "xb") as file:
                file.writelines(self._content(node))
                os.fchmod(file.fileno(), entry.mode & 0o777)

    def _content(self, node: Node) -> Iterator[bytes]:
        place = node.digest
        return self._layers[place.layer].content(place.offset, node.entry.size)


def _merge(layers: Sequence[LayerTar]) -> MergedTree:
    """The tree of LAYERS; a file's Place stands where the digest of its content would."""
    tree = MergedTree(keep=lambda entry, place: place)
    for number, layer in enumerate(counted(layers, "reading layer", len(layers))):
        layer.check()
        tree.add_layer((entry, Place(number, offset)) for entry, offset in layer.members())
    return tree
