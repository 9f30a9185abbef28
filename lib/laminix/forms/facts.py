"""Facts: an OCI layout that has recipes in place of the layers, where there are recipes.

It is read as any image directory. All of it is a few kilobytes, and it refers to no file outside of it: the store
paths of the recipes are to come from this machine or from a binary cache.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

from laminix.forms.form import Form
from laminix.forms.oci_layout import blob_name, write_documents, write_recipe
from laminix.forms.writing import copy_layer, distinct_layers
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.images.reference import Reference
from laminix.layers.layer_directory import Layer, read_layer
from laminix.nix_store import lies_in_store


def write_facts(directory: str, image: Image, references: Sequence[Reference]) -> None:
    """Write the facts of IMAGE into the empty DIRECTORY. A layer without a recipe is copied.

    Raises LaminixError if a copied layer has a wrong digest.
    """
    layers = [with_digest(layer) for layer in image.layers]
    for layer in distinct_layers(layers):
        described = _described(layer)
        if described is None:
            copy_layer(layer, os.path.join(directory, blob_name(layer.digest)))
        else:
            write_recipe(directory, replace(described, blob=None))
    write_documents(directory, image, layers, references)


def _described(layer: StoredLayer) -> Layer | None:
    """Return the description of LAYER if it has a recipe: its own, or the one beside its blob in the Nix store.

    Copies out of store paths are not made of NARs, so a layer with them counts as one without a recipe.
    """
    directory = layer.recipe_directory
    if directory is None and layer.file is not None and lies_in_store(layer.file):
        directory = os.path.dirname(os.path.realpath(layer.file))
    if directory is None or not os.path.isfile(os.path.join(directory, "layer.json")):
        return None
    described = read_layer(directory)
    is_its_own = (described.descriptor.digest, described.diff_id) == (layer.digest, layer.diff_id)
    has_recipe = described.recipe is not None and not described.recipe.copies
    return described if is_its_own and has_recipe else None


FORM = Form("facts", write_directory=write_facts)
