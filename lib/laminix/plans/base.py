"""The store paths that a base has already: layer directories say so, images in their layers' tars."""

from collections.abc import Collection

from laminix.tar.entries import OPAQUE, WHITEOUT_PREFIX
from laminix.errors import LaminixError
from laminix.forms import open_image
from laminix.images.image import Image
from laminix.layers.layer import layers_in, read_layer
from laminix.images.layer_tar import checked_members


def held_paths(base: str, wanted: Collection[str]) -> set[str]:
    """Which of the store paths WANTED the layer directory, layer directories or image at BASE holds.

    An image's layers are read for that, and checked.  Raises LaminixError where BASE is neither.
    """
    try:
        directories = layers_in(base)
    except LaminixError:
        return _held_by_image(open_image(base), wanted)
    held = {path for directory in directories for path in read_layer(directory).store_paths}
    return held.intersection(wanted)


def layer_count(base: str) -> int:
    """How many layers the layer directory, layer directories or image at BASE has."""
    try:
        return len(layers_in(base))
    except LaminixError:
        return len(open_image(base).layers)


def _held_by_image(image: Image, wanted: Collection[str]) -> set[str]:
    names = {path.encode().lstrip(b"/"): path for path in wanted}
    depths = {name.count(b"/") + 1 for name in names}
    held: set[bytes] = set()
    for layer in image.layers:
        found: set[bytes] = set()
        broken: set[bytes] = set()
        for entry, _ in checked_members(layer):
            prefixes = {prefix for depth in depths if (prefix := _prefix(entry.path, depth)) in names}
            if not entry.path.rpartition(b"/")[2].startswith(WHITEOUT_PREFIX):
                found |= prefixes
            else:
                held -= _hidden(entry.path, held)
                broken |= prefixes
        held |= found - broken
    return {names[name] for name in held}


def _prefix(path: bytes, depth: int) -> bytes:
    return b"/".join(path.split(b"/", depth)[:depth])


def _hidden(whiteout: bytes, held: set[bytes]) -> set[bytes]:
    """Which of HELD are not whole any more: those that WHITEOUT hides, and the one that it hides a part of."""
    directory, _, name = whiteout.rpartition(b"/")
    gone = directory if name == OPAQUE else whiteout.replace(WHITEOUT_PREFIX, b"", 1)
    return {path for path in held if _is_within(path, gone) or _is_within(gone, path)}


def _is_within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")
