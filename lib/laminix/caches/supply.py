"""Layers without a blob, rebuilt from NARs where this machine lacks store paths."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from laminix.caches.cache import Cache, Nar, PathNar
from laminix.caches.nar_layer import layer_of_nars
from laminix.errors import LaminixError
from laminix.images.image import Image
from laminix.layers.layer_directory import Layer, read_layer
from laminix.layers.rebuilding import open_rebuilt, usable_recipe
from laminix.layers.recipe import Recipe
from laminix.parallel.job_threads import in_threads

LOOKUPS_AT_ONCE = 16
MOST_NAMED = 20  # store paths that an error names


def supplied(image: Image, caches: Sequence[Cache], abort: Callable[[], None]) -> Image:
    """Return IMAGE with layers that are rebuilt from the store of this machine, and from CACHES for what it lacks.

    Looks up all store paths at once; ABORT ends look-ups that wait. Raises an ExceptionGroup of LaminixError for
    store paths that are nowhere, and LaminixError for a recipe that cannot be used.
    """
    layers = {
        layer.recipe_directory: read_layer(layer.recipe_directory)
        for layer in image.layers
        if layer.recipe_directory is not None
    }
    recipes = [usable_recipe(layer) for layer in layers.values()]
    _check_copies(recipes)
    wanted = {path for recipe in recipes for path in recipe.store_paths}
    missing = sorted(path for path in wanted if not os.path.lexists(path))
    nars = _found(missing, caches, abort)
    opens = {place: partial(_open, layer, nars) for place, layer in layers.items()}
    rebuilt = (replace(layer, open=opens.get(layer.recipe_directory, layer.open)) for layer in image.layers)
    return replace(image, layers=tuple(rebuilt))


def _check_copies(recipes: Iterable[Recipe]) -> None:
    """Raise LaminixError for a store path that RECIPES copy from and this machine lacks: NARs come in another order."""
    for recipe in recipes:
        for path in recipe.inputs() if recipe.copies else ():
            if not os.path.lexists(path):
                why = (
                    "a layer with files copied out of store paths is not made from a cache; keep its blob (blob = true)"
                )
                raise LaminixError("missing store path", why, path)


def _found(store_paths: Sequence[str], caches: Sequence[Cache], abort: Callable[[], None]) -> dict[str, Nar]:
    """Return the NAR of each of STORE_PATHS, from the first of CACHES that has it."""
    found = in_threads([partial(_first, path, caches) for path in store_paths], LOOKUPS_AT_ONCE, abort)
    absent = [path for path, nar in zip(store_paths, found) if nar is None]
    if absent:
        places = " or ".join(cache.place for cache in caches)
        why = f"it is neither on this machine nor in {places}"
        errors = [LaminixError("missing store path", why, path) for path in absent[:MOST_NAMED]]
        if len(absent) > MOST_NAMED:
            errors.append(LaminixError("missing store paths", f"{len(absent) - MOST_NAMED} more than these"))
        raise ExceptionGroup("missing store paths", errors)
    return dict(zip(store_paths, found))


def _first(store_path: str, caches: Sequence[Cache]) -> Nar | None:
    return next((nar for cache in caches if (nar := cache.find(store_path)) is not None), None)


def _open(layer: Layer, nars: Mapping[str, Nar]) -> BinaryIO:
    """Return the layer's blob, rebuilt while it is read; the caller checks its digest."""
    store_paths = layer.recipe.store_paths
    if not any(path in nars for path in store_paths):
        return open_rebuilt(layer)
    here = {path: PathNar(path) for path in store_paths if path not in nars}
    return open_rebuilt(layer, partial(layer_of_nars, {**nars, **here}))
