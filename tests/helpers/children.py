"""Images put on parents in this process, from the tars of their layers."""

import os

import file_trees
import image_forms
from laminix.forms import open_image
from laminix.images.layer_bytes import uncompressed_chunks
from laminix.merge.merging import merge


def layout(
    directory: str, name: str, layers: list[bytes], compression: image_forms.Compression = image_forms.plain
) -> str:
    """Write an OCI layout with LAYERS, and return its path."""
    image = image_forms.Image(layers=tuple(layers), name=name)
    return file_trees.write_directory(os.path.join(directory, name), image_forms.oci_layout(image, compression))


def on_parent(directory: str, parent: list[bytes], child: list[bytes], skip_existing: bool) -> str:
    """Return the image directory of the layers CHILD on the layers PARENT, made in DIRECTORY."""
    paths = [layout(directory, name, layers) for name, layers in (("parent", parent), ("child", child))]
    out = os.path.join(directory, "merged")
    os.mkdir(out)
    merge(*(open_image(path) for path in paths), "all", skip_existing, out)
    return out


def layer_tars(image: str) -> list[bytes]:
    """Return the tars of an image's layers, lowest first."""
    return [b"".join(uncompressed_chunks(layer)) for layer in open_image(image).layers]


def read_file(path: str) -> bytes:
    """Return the content of the file at PATH."""
    with open(path, "rb") as file:
        return file.read()
