"""The bytes of a layer that keeps no tar, made again from its recipe."""

import io
import os
from collections.abc import Iterable, Iterator

from laminix.compression import available_cores, compress, find_compressor
from laminix.entries import Owner
from laminix.errors import LaminixError
from laminix.layer import Layer
from laminix.packing import FORMAT, Packing, tar_of
from laminix.strict_json import Value


def open_recipe(layer: Layer) -> io.RawIOBase:
    """A stream of the layer's blob, made as it is read.

    Whether it is the same as ever is for the reader to check, as with any other blob.  Raises LaminixError
    for a recipe that this version does not follow.
    """
    if layer.recipe is None:
        raise LaminixError("no such blob", "the layer keeps neither its blob nor a recipe for it", layer.diff_id)
    return PieceReader(_blob(Value(layer.recipe, "bad recipe", layer.diff_id, "recipe")))


def _blob(recipe: Value) -> Iterator[bytes]:
    if recipe["format"].number() != FORMAT:
        raise recipe["format"].error(f"found {recipe.raw['format']}, this laminix makes format {FORMAT}")
    packing = Packing(
        store_paths=tuple(recipe["storePaths"].texts()),
        perms=recipe["perms"],
        owner=Owner(
            recipe["uid"].number(),
            recipe["gid"].number(),
            os.fsencode(recipe["uname"].text()),
            os.fsencode(recipe["gname"].text()),
        ),
        mtime=recipe["mtime"].number(),
    )
    threads = available_cores()
    compressor = find_compressor(recipe["compressor"].text(), threads)
    return compress(compressor, tar_of(packing), threads)


class PieceReader(io.RawIOBase):
    """Pieces of bytes as a file that is read once, from its start to its end."""

    def __init__(self, pieces: Iterable[bytes]):
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
