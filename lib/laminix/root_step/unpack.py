"""Layers to plain files: what a container would see of them."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from laminix.images.image import Image, StoredLayer
from laminix.images.layer_tar import checked_members
from laminix.merge.merged_tree import MergedTree
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.progress import counted
from laminix.root_step.unpacked import TREE, write_list
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry
from laminix.tar.reader import Content

SPOOL = "spool"


class Unpacking(NamedTuple):
    """One path of a merged tree."""

    entry: Entry  # never a hard link
    content: bytes | None  # of a file: the number of its content in the spool; None where the parent has it
    parent_path: bytes | None  # where the parent has it, if it does


class Spool:
    """The contents of files in a directory, numbered in the order in which they come."""

    def __init__(self, directory: bytes):
        self._directory = directory
        self._count = 0
        self._placed: dict[bytes, bytes] = {}
        os.mkdir(directory)

    def keep(self, entry: Entry, content: Content | None) -> bytes | None:
        """Store the CONTENT of ENTRY; its number."""
        if content is None:
            return None
        number = b"%d" % self._count
        self._count += 1
        mode = 0o755 if entry.mode & 0o111 else 0o644
        descriptor = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb", buffering=0) as file:
            while piece := content.read(CHUNK_SIZE):
                file.write(piece)
        return number

    def place(self, number: bytes, path: bytes) -> None:
        """Have the content of that NUMBER at PATH; where it is placed already, as a hard link."""
        if number in self._placed:
            os.link(self._placed[number], path)
        else:
            os.rename(self._path(number), path)
            self._placed[number] = path

    def remove(self) -> None:
        """Remove the spool, with what was not placed: contents that a later layer hides."""
        with os.scandir(self._directory) as left:
            for entry in left:
                os.unlink(entry.path)
        os.rmdir(self._directory)

    def _path(self, number: bytes) -> bytes:
        return os.path.join(self._directory, number)


def merged(parent: Iterable[Entry], layers: Iterable[StoredLayer], spool: Spool) -> Iterator[Unpacking]:
    """Every path of the tree that LAYERS make over the entries of PARENT; contents are kept in SPOOL.

    The layers' digests are checked.  Raises LaminixError for a damaged layer.
    """
    tree = MergedTree(keep=spool.keep)
    tree.add_layer((entry, None) for entry in parent)
    for layer in layers:
        tree.add_layer(checked_members(layer))
    for path, node in tree.nodes():
        content = node.digest if node.entry.type == FILE else None
        # A hard link of a layer to a file of the parent has that file's entry.
        is_parents = node.layer == 0 or node.entry.type == FILE and content is None
        yield Unpacking(node.entry._replace(path=path), content, node.entry.path if is_parents else None)


def unpack(image: Image, directory: str) -> None:
    """Unpack IMAGE into DIRECTORY, which is empty (see ``unpacked``)."""
    top = os.path.join(os.fsencode(directory), TREE.encode())
    os.mkdir(top)
    spool = Spool(os.path.join(os.fsencode(directory), SPOOL.encode()))
    entries = []
    for entry, content, _ in merged((), counted(image.layers, "unpacking layer", len(image.layers)), spool):
        entries.append(entry)
        path = os.path.join(top, entry.path)
        if entry.type == DIRECTORY:
            os.mkdir(path, 0o755)
        elif entry.type == SYMLINK:
            os.symlink(entry.link, path)
        elif content is not None:
            spool.place(content, path)
    spool.remove()
    write_list(directory, image.config, entries)
