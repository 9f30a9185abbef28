"""The store paths that an image contains completely."""

from collections.abc import Collection

from laminix.images.image import Image
from laminix.images.layer_tar import checked_members
from laminix.tar.entries import OPAQUE, WHITEOUT_PREFIX, is_whiteout


def held_store_paths(image: Image, wanted: Collection[str]) -> set[str]:
    """Return the store paths of WANTED that are complete in IMAGE: added by one layer, with nothing deleted since.

    Reads every layer and checks its digests. Raises LaminixError for a damaged layer.
    """
    names = {path.encode().lstrip(b"/"): path for path in wanted}
    depths = {name.count(b"/") + 1 for name in names}
    held: set[bytes] = set()
    for layer in image.layers:
        added: set[bytes] = set()
        incomplete: set[bytes] = set()
        for entry, _ in checked_members(layer):
            prefixes = {prefix for depth in depths if (prefix := _prefix(entry.path, depth)) in names}
            if not is_whiteout(entry.path):
                added |= prefixes
            else:
                held -= _hidden(entry.path, held)
                incomplete |= prefixes
        held |= added - incomplete
    return {names[name] for name in held}


def _prefix(path: bytes, depth: int) -> bytes:
    return b"/".join(path.split(b"/", depth)[:depth])


def _hidden(whiteout: bytes, held: set[bytes]) -> set[bytes]:
    """Return the paths of HELD that WHITEOUT hides completely or in part."""
    directory, slash, name = whiteout.rpartition(b"/")
    hidden = directory if name == OPAQUE else directory + slash + name.removeprefix(WHITEOUT_PREFIX)
    return {path for path in held if _is_within(path, hidden) or _is_within(hidden, path)}


def _is_within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")
