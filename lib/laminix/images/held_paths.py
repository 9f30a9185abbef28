"""The store paths that an image's layers hold whole."""

from collections.abc import Collection

from laminix.images.image import Image
from laminix.images.layer_tar import checked_members
from laminix.tar.entries import OPAQUE, WHITEOUT_PREFIX, is_whiteout


def held_store_paths(image: Image, wanted: Collection[str]) -> set[str]:
    """Return the store paths among WANTED that a container of IMAGE sees whole.

    Reads every layer and checks its digests. Raises LaminixError for a damaged layer.
    """
    names = {path.encode().lstrip(b"/"): path for path in wanted}
    depths = {name.count(b"/") + 1 for name in names}
    held: set[bytes] = set()
    for layer in image.layers:
        found: set[bytes] = set()
        broken: set[bytes] = set()
        for entry, _ in checked_members(layer):
            prefixes = {prefix for depth in depths if (prefix := _prefix(entry.path, depth)) in names}
            if not is_whiteout(entry.path):
                found |= prefixes
            else:
                held -= _hidden(entry.path, held)
                broken |= prefixes
        held |= found - broken
    return {names[name] for name in held}


def _prefix(path: bytes, depth: int) -> bytes:
    return b"/".join(path.split(b"/", depth)[:depth])


def _hidden(whiteout: bytes, held: set[bytes]) -> set[bytes]:
    """Return the paths of HELD that WHITEOUT hides, wholly or in part."""
    directory, _, name = whiteout.rpartition(b"/")
    gone = directory if name == OPAQUE else whiteout.replace(WHITEOUT_PREFIX, b"", 1)
    return {path for path in held if _is_within(path, gone) or _is_within(gone, path)}


def _is_within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")
