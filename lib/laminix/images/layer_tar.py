"""A stored layer's tar, to be read anywhere in, however the layer is stored."""

import os
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO, NamedTuple

from laminix.tar.entries import Entry
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import checked_chunks, compression_of_layer, open_uncompressed, uncompressed_chunks
from laminix.tar.reader import Content, read, read_file, scan
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.process_call import ProcessCall

BAD_LAYER = "bad layer"
LARGE = 8 << 20  # bytes: below, a process of its own costs more than it saves


class Member(NamedTuple):
    """A member of the layer, and where its content is."""

    entry: Entry
    offset: int  # of the content in the layer's tar, in bytes


def checked_members(layer: StoredLayer) -> Iterator[tuple[Entry, Content]]:
    """The members of LAYER's tar, as ``tar_reader.read`` gives them, with the digests checked at the end."""
    if layer.size < LARGE or not is_tar(layer):
        yield from read(open_uncompressed(layer), BAD_LAYER, layer.location)
        return
    # Another process reads the file once more, for the digests: reading headers leaves threads no time.
    check = ProcessCall(check_digests, layer)
    try:
        with layer.open() as file:
            yield from read_file(file, BAD_LAYER, layer.location)
        check.result()
    finally:
        check.end()


def is_tar(layer: StoredLayer) -> bool:
    """Whether the layer is stored as a plain tar, which can be read anywhere in."""
    return layer.recipe_directory is None and compression_of_layer(layer) == "none"


def check_digests(layer: StoredLayer) -> None:
    """Raises LaminixError unless LAYER's bytes are those that its digest and diff ID promise."""
    for _ in checked_chunks(layer, diff_id_too=True):
        pass


class LayerTar:
    """The tar of LAYER.  One that is compressed, or made from a recipe, is written to the file SPOOL once
    its contents are asked for; its members alone can be told without."""

    def __init__(self, layer: StoredLayer, spool: str):
        self.layer = layer
        self._spool = spool
        self._is_tar = is_tar(layer)

    def members(self) -> list[Member]:
        """The members in their order.  Raises LaminixError for a damaged tar."""
        place = self.layer.location
        if self._is_tar:
            return [Member(*member) for member in scan(self._file, BAD_LAYER, place)]
        stream = read(open_uncompressed(self.layer), BAD_LAYER, place)
        return [Member(entry, content.offset) for entry, content in stream]

    def content(self, offset: int, size: int) -> Iterator[bytes]:
        """SIZE bytes from OFFSET on, in chunks."""
        end = offset + size
        while offset < end:
            self._file.seek(offset)
            chunk = self._file.read(min(CHUNK_SIZE, end - offset))
            if not chunk:
                why = "its tar ends early; it changed while it was read"
                raise LaminixError(BAD_LAYER, why, self.layer.location)
            offset += len(chunk)
            yield chunk

    def check(self) -> None:
        """Raises LaminixError unless the layer's bytes are those that its digests promise."""
        if self._is_tar:
            check_digests(self.layer)
        else:
            self._file  # it was checked on the way into the spool

    @cached_property
    def _file(self) -> BinaryIO:
        if self._is_tar:
            return self.layer.open()
        file = open(self._spool, "w+b")
        os.unlink(self._spool)
        for chunk in uncompressed_chunks(self.layer):
            file.write(chunk)
        return file
