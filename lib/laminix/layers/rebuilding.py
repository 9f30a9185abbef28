"""Rebuild the blob of a layer from its recipe.

A recipe comes with an image, so it is untrusted data, even in the Nix store: a derivation may have unpacked a
stranger's image there. A recipe that names a command, or a file outside the Nix store, is refused.
"""

import os
from collections.abc import Callable, Iterator

from laminix.compression.compressor import NAMES, Compressor, available_cores, compress, find_compressor
from laminix.errors import LaminixError
from laminix.layers.layer_directory import Layer
from laminix.layers.layer_spec import LayerSpec
from laminix.layers.packing import layer_chunks
from laminix.layers.recipe import FORMAT, Recipe, check_inputs
from laminix.parallel.chunk_reader import ChunkReader
from laminix.strict_json import Value

# Yields the tar of a spec of store paths in chunks; the other arguments are those of ``layer_chunks``.
Pack = Callable[[LayerSpec, Compressor, int], Iterator[bytes]]


def pack_paths_here(spec: LayerSpec, compressor: Compressor, cores: int) -> Iterator[bytes]:
    """Yield the tar of SPEC as ``layer_chunks`` does. Raises LaminixError for a store path that is not here."""
    for path in (*spec.store_paths, *(source for source, _ in spec.copies)):
        if not os.path.lexists(path):
            # No cache makes a layer with copies.
            remedy = "" if spec.copies else "; builders with --from CACHE fetch it from a binary cache"
            raise LaminixError("cannot rebuild a layer", f"no such store path{remedy}", path)
    return layer_chunks(spec, compressor, cores)


def open_rebuilt(layer: Layer, pack: Pack = pack_paths_here) -> ChunkReader:
    """Return a stream of the layer's blob, which is rebuilt while it is read, with a tar that PACK makes.

    The caller checks the digest, as for any other blob. Raises LaminixError for a recipe that cannot be used.
    """
    return ChunkReader(_blob(usable_recipe(layer), layer.diff_id, pack))


def usable_recipe(layer: Layer) -> Recipe:
    """Return the recipe of LAYER.

    Raises LaminixError for a layer without a recipe, for a recipe in an unknown format, and for a recipe that names a
    command or a path outside the store.
    """
    recipe = layer.recipe
    if recipe is None:
        raise LaminixError("no such blob", "the layer has neither its blob nor a recipe for it", layer.diff_id)
    if recipe.format != FORMAT:
        why = f"recipe.format: found {recipe.format}, expected {FORMAT}; build the layer again"
        raise LaminixError("bad recipe", why, layer.diff_id)
    _check_compressor(recipe, layer.diff_id)
    check_inputs(recipe, layer.diff_id)
    return recipe


def _blob(recipe: Recipe, place: str, pack: Pack) -> Iterator[bytes]:
    spec = LayerSpec(
        store_paths=recipe.store_paths,
        copies=recipe.copies,
        perms=Value(list(recipe.perms), "bad recipe", place, "recipe.perms"),
        owner=recipe.owner,
        mtime=recipe.mtime,
    )
    threads = available_cores()
    compressor = find_compressor(recipe.compressor, threads)
    return compress(compressor, pack(spec, compressor, threads), threads)


def _check_compressor(recipe: Recipe, place: str) -> None:
    if recipe.compressor not in NAMES:
        why = f"found {recipe.compressor!r}, expected {', '.join(NAMES)}: a recipe must not name a command"
        raise LaminixError("bad recipe", f"recipe.compressor: {why}; build the layer again with its blob", place)
