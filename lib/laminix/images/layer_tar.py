"""The tar of a stored layer, for sequential and random access."""

import os
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO, NamedTuple

from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import checked_chunks, compression_of_layer, open_uncompressed, uncompressed_chunks
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.process_call import ProcessCall
from laminix.tar.entries import Entry
from laminix.tar.reader import Content, read, read_file, scan

BAD_LAYER = "bad layer"
LARGE = 8 << 20  # bytes; checking a smaller layer in a process of its own is slower


class Member(NamedTuple):
    """A member of a layer's tar and the position of its content."""

    entry: Entry
    offset: int  # of the content in the uncompressed tar, in bytes


def checked_members(layer: StoredLayer) -> Iterator[tuple[Entry, Content]]:
    """Yield the members of LAYER's tar, as ``tar.reader.read`` does, and check the digests at the end.

    Raises LaminixError for a damaged tar and for a wrong digest or diff ID.
    """
    if layer.size < LARGE or not is_tar(layer):
        yield from read(open_uncompressed(layer), BAD_LAYER, layer.location)
        return
    # A second process computes the digests. A thread could not: parsing headers keeps the interpreter lock busy.
    check = ProcessCall(check_digests, layer)
    try:
        with layer.open() as file:
            yield from read_file(file, BAD_LAYER, layer.location)
        check.result()
    finally:
        check.end()


def is_tar(layer: StoredLayer) -> bool:
    """Return whether the layer is stored uncompressed, so that its file allows random access."""
    return layer.recipe_directory is None and compression_of_layer(layer) == "none"


def check_digests(layer: StoredLayer) -> None:
    """Read LAYER. Raises LaminixError if its digest or diff ID is wrong."""
    for _ in checked_chunks(layer, diff_id_too=True):
        pass


class LayerTar:
    """The uncompressed tar of LAYER, for random access.

    If the layer is compressed or rebuilt from a recipe, the first access to a content writes the tar to the new
    file SPOOL_PATH. Listing the members does not need that.
    """

    def __init__(self, layer: StoredLayer, spool_path: str):
        self.layer = layer
        self._spool_path = spool_path
        self._is_tar = is_tar(layer)

    def members(self) -> list[Member]:
        """Return the members in the order of the tar. Raises LaminixError for a damaged tar."""
        place = self.layer.location
        if self._is_tar or "_file" in vars(self):  # a tar that can be read anywhere in
            return [Member(*member) for member in scan(self._file, BAD_LAYER, place)]
        stream = read(open_uncompressed(self.layer), BAD_LAYER, place)
        return [Member(entry, content.offset) for entry, content in stream]

    def content(self, offset: int, size: int) -> Iterator[bytes]:
        """Yield SIZE bytes of the tar, starting at OFFSET. Raises LaminixError if the tar ends before."""
        end = offset + size
        while offset < end:
            self._file.seek(offset)
            chunk = self._file.read(min(CHUNK_SIZE, end - offset))
            if not chunk:
                raise LaminixError(BAD_LAYER, "the tar ends early: file changed while being read", self.layer.location)
            offset += len(chunk)
            yield chunk

    def check(self) -> None:
        """Raises LaminixError if the layer's digest or diff ID is wrong."""
        if self._is_tar:
            check_digests(self.layer)
        else:
            self._file.flush()  # opening the file has spooled the layer, which checks it

    @cached_property
    def _file(self) -> BinaryIO:
        return self.layer.open() if self._is_tar else self._spooled()

    def _spooled(self) -> BinaryIO:
        """Write the uncompressed tar to a temporary file, checking the digests, and return the file."""
        file = open(self._spool_path, "w+b")
        os.unlink(self._spool_path)
        for chunk in uncompressed_chunks(self.layer):
            file.write(chunk)
        return file
