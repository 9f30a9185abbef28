"""What mk-image puts together: layer directories, a config with a history of them, annotations."""

import os
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.layers.layer_directory import Layer, layers_in, read_layer
from laminix.images.oci import Config, make_config
from laminix.images.platform import Platform
from laminix.regular_file import open_regular_file

EMPTY_TAR = 1024  # bytes: the two blocks that end every tar


def read_layers(directories: Sequence[str], unless_empty: Sequence[str]) -> list[tuple[str, Layer]]:
    """The layers in DIRECTORIES, in order, then those of UNLESS_EMPTY that hold anything.

    Each comes with its directory.  Raises LaminixError for one that only measures: no blob, no recipe.
    """
    layers = _layers(directories)
    layers += [(path, layer) for path, layer in _layers(unless_empty) if layer.diff_size > EMPTY_TAR]
    for path, layer in layers:
        if layer.blob is None and layer.recipe is None:
            why = "it has neither its blob nor a recipe for it; make it again without --no-blob"
            raise LaminixError("bad layer", why, path)
    return layers


def _layers(directories: Sequence[str]) -> list[tuple[str, Layer]]:
    paths = [path for directory in directories for path in layers_in(directory)]
    return [(path, read_layer(path)) for path in paths]


def stored_layer(directory: str, layer: Layer) -> StoredLayer:
    """The layer in DIRECTORY as part of an image."""
    file = None if layer.blob is None else os.path.join(directory, layer.blob)
    return StoredLayer(
        diff_id=layer.diff_id,
        media_type=layer.descriptor.media_type,
        size=layer.descriptor.size,
        digest=layer.descriptor.digest,
        location=file or directory,
        open=partial(_open_again, layer) if file is None else partial(open_regular_file, file),
        file=file,
        recipe_directory=directory if file is None else None,
    )


def _open_again(layer: Layer) -> BinaryIO:
    """The layer's blob, made again as it is read."""
    # Half of the library, and 8 ms: most images keep their blobs, and most builders only list them.
    from laminix.layers.rebuilding import open_rebuilt

    return open_rebuilt(layer)


def image_config(
    layers: Sequence[tuple[str, Layer]], platform: Platform, created: str, runtime: dict
) -> Config:
    """The config of an image of LAYERS, with an entry of history for each."""
    history = [{"created": created, **layer.history} for _, layer in layers]
    return make_config(platform, created, runtime, [layer.diff_id for _, layer in layers], history)


def read_annotations(given: Sequence[str]) -> dict[str, str]:
    """The annotations in GIVEN, each KEY=VALUE; raises LaminixError for others and for a key given twice."""
    annotations: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise LaminixError("bad annotation", f"found {text!r}, expected KEY=VALUE")
        if key in annotations:
            raise LaminixError("bad annotation", f"the key {key!r} is given twice")
        annotations[key] = value
    return annotations
