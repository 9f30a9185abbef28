"""The parts of a new image: layers read from layer directories, a config with their history, annotations."""

import os
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

from laminix.errors import LaminixError, UsageError
from laminix.images.image import StoredLayer
from laminix.images.oci import Config, make_config
from laminix.images.platform import Platform
from laminix.layers.layer_directory import Layer, layers_in, read_layer
from laminix.regular_file import open_regular_file


def read_layers(directories: Sequence[str]) -> list[tuple[str, Layer]]:
    """Return (layer directory, layer) for DIRECTORIES in order.

    Raises LaminixError for a layer with neither blob nor recipe.
    """
    paths = [path for directory in directories for path in layers_in(directory)]
    layers = [(path, read_layer(path)) for path in paths]
    for path, layer in layers:
        if layer.blob is None and layer.recipe is None:
            why = "found neither a blob nor a recipe; build the layer again without --no-blob"
            raise LaminixError("bad layer", why, path)
    return layers


def stored_layer(directory: str, layer: Layer) -> StoredLayer:
    """Return the layer in DIRECTORY as part of an image."""
    file = None if layer.blob is None else os.path.join(directory, layer.blob)
    return StoredLayer(
        diff_id=layer.diff_id,
        media_type=layer.descriptor.media_type,
        size=layer.descriptor.size,
        digest=layer.descriptor.digest,
        location=file or directory,
        open=partial(_open_rebuilt, layer) if file is None else partial(open_regular_file, file),
        file=file,
        recipe_directory=directory if file is None else None,
    )


def _open_rebuilt(layer: Layer) -> BinaryIO:
    """Return a file with the layer's blob, which is rebuilt from the recipe while it is read."""
    # Imported late, because it takes 8 ms and most images keep their blobs.
    from laminix.layers.rebuilding import open_rebuilt

    return open_rebuilt(layer)


def image_config(layers: Sequence[tuple[str, Layer]], platform: Platform, created: str, runtime: dict) -> Config:
    """Return the config of an image made of LAYERS (base layer first), with a history entry for each.

    CREATED is a time in RFC 3339, RUNTIME the ``config`` object.
    """
    history = [{"created": created, **layer.history} for _, layer in layers]
    return make_config(platform, created, runtime, [layer.diff_id for _, layer in layers], history)


def read_annotations(given: Sequence[str]) -> dict[str, str]:
    """Return the annotations in GIVEN, each KEY=VALUE. Raises LaminixError for other texts and repeated keys."""
    annotations: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError("bad annotation", f"found {text!r}, expected KEY=VALUE")
        if key in annotations:
            raise UsageError("bad annotation", f"the key {key!r} is given twice")
        annotations[key] = value
    return annotations
