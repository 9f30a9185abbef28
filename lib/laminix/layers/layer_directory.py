"""Layer directories: a blob and the ``layer.json`` that describes it, as mk-layer writes them."""

import os
from dataclasses import dataclass, field
from typing import Any

from laminix import strict_json
from laminix.descriptor import Descriptor, read_descriptor
from laminix.digest import read_digest
from laminix.errors import LaminixError
from laminix.image_json import refuse_many_containers
from laminix.layers.recipe import Recipe, read_recipe
from laminix.regular_file import read_regular_file
from laminix.strict_json import Value

VERSION = 1
MAX_SIZE = 16 << 20  # bytes of layer.json; 100,000 store paths fit
CREATED_BY = "mk-layer"  # value of created_by in the history of every layer from laminix
REMOVED = "without "  # before each removed path in the comment there


@dataclass(frozen=True)
class Layer:
    """A layer as its directory describes it."""

    descriptor: Descriptor  # of the blob as stored
    diff_id: str  # digest of the uncompressed tar
    diff_size: int  # bytes of the uncompressed tar
    blob: str | None  # file name of the blob beside layer.json; None if it is not kept
    recipe: Recipe | None  # None if store paths and a built-in compressor are not enough to rebuild the blob
    store_paths: tuple[str, ...]  # the store paths in the layer, sorted
    history: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the content of layer.json."""
        return {
            "laminix": VERSION,
            "descriptor": self.descriptor.to_json(),
            "diffID": self.diff_id,
            "diffSize": self.diff_size,
            "blob": self.blob,
            "recipe": self.recipe and self.recipe.to_json(),
            "storePaths": list(self.store_paths),
            "history": self.history,
        }


def write_layer(directory: str, layer: Layer) -> None:
    """Write layer.json for LAYER to DIRECTORY, which already contains the blob."""
    with open(os.path.join(directory, "layer.json"), "wb") as file:
        file.write(strict_json.dumps(layer.to_json()))


def read_layer(directory: str) -> Layer:
    """Return the layer in DIRECTORY.

    Raises LaminixError if DIRECTORY is not a layer directory, and if the blob is missing or its size differs from
    layer.json. The digest is checked later, when the bytes are read.
    """
    path = os.path.join(directory, "layer.json")
    if not os.path.isfile(path):
        raise LaminixError("bad layer", "expected a directory that mk-layer wrote; found no layer.json", directory)
    layer = _from_json(strict_json.loads(_document(path), "bad layer", path))
    if layer.blob is not None:
        _check_size(os.path.join(directory, layer.blob), layer.descriptor.size)
    return layer


def layer_names(count: int) -> list[str]:
    """Return names for COUNT layer directories: numbers with equally many digits, so that sorting names sorts layers."""
    digits = max(3, len(str(count)))
    return [f"{index:0{digits}}" for index in range(count)]


def _document(path: str) -> bytes:
    """Return the content of the layer.json at PATH, which may come with a hostile image."""
    size = os.stat(path).st_size
    if size > MAX_SIZE:
        raise LaminixError("bad layer", f"layer.json is too large: {size} bytes (limit {MAX_SIZE})", path)
    data = read_regular_file(path)
    refuse_many_containers(data, "bad layer", path)
    return data


def is_layers(path: str) -> bool:
    """Return whether PATH is a layer directory, or a directory of layer directories from mk-layers."""
    return _layers(path) is not None


def layers_in(path: str) -> list[str]:
    """Return PATH if it is a layer directory, else the layer directories in it, lowest layer first.

    For a plan without layers mk-layers writes an empty directory, which gives an empty list. Raises LaminixError if
    PATH is neither a layer directory nor a directory of them.
    """
    found = _layers(path)
    if found is None:
        why = "expected a directory that mk-layer or mk-layers wrote; found no layer.json"
        raise LaminixError("bad layer", why, path)
    return found


def _layers(path: str) -> list[str] | None:
    if not os.path.isdir(path):
        return None
    if _is_layer(path):
        return [path]
    directories = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    return directories if all(map(_is_layer, directories)) else None


def _is_layer(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "layer.json"))


def _from_json(document: Value) -> Layer:
    version = document["laminix"]
    if version.number() != VERSION:
        raise version.error(f"found version {version.raw}, expected {VERSION}; build the layer again")
    blob = document.get("blob")
    if blob is not None and (not blob.text() or "/" in blob.raw or blob.raw in (".", "..")):
        raise blob.error(f"found {blob.raw!r}, expected a file name without a slash")
    recipe = document.get("recipe")
    return Layer(
        descriptor=read_descriptor(document["descriptor"]),
        diff_id=read_digest(document["diffID"]),
        diff_size=document["diffSize"].number(),
        blob=blob and blob.raw,
        recipe=recipe and read_recipe(recipe),
        store_paths=tuple(document["storePaths"].texts()),
        history=document["history"].text_map(),
    )


def removes_paths(history: dict[str, Any]) -> bool:
    """Return whether HISTORY, an entry of an image's history, is that of a layer of mk-layer with removed paths."""
    return history.get("created_by") == CREATED_BY and REMOVED in (history.get("comment") or "")


def _check_size(blob: str, expected: int) -> None:
    if not os.path.isfile(blob):
        raise LaminixError("bad layer", "found no file here, expected the blob that layer.json names", blob)
    size = os.stat(blob).st_size
    if size != expected:
        raise LaminixError("bad layer", f"found a blob of {size} bytes, expected {expected} as in layer.json", blob)
