"""The bytes of a layer that keeps no tar, made again from its recipe."""

import os
from collections.abc import Iterator

from laminix.compression.compressor import available_cores, compress, find_compressor
from laminix.tar.entries import Owner
from laminix.errors import LaminixError
from laminix.layers.layer_directory import Layer
from laminix.layers.packing import FORMAT, Packing, tar_of
from laminix.parallel.chunk_reader import PieceReader
from laminix.strict_json import Value


def open_recipe(layer: Layer) -> PieceReader:
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
    return compress(compressor, tar_of(packing, compressor, threads), threads)
