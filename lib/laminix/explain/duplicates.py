"""Files of an image that have the same content."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from laminix.explain.contents import members_of
from laminix.images.image import StoredLayer
from laminix.merge.merged_tree import content_digest
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.tar.entries import FILE, Entry


class Duplicate(NamedTuple):
    """Several files of one content."""

    size: int  # bytes of the content
    places: list[tuple[int, bytes]]  # layer and path of each file

    @property
    def wasted(self) -> int:
        """The bytes that one file alone would save."""
        return self.size * (len(self.places) - 1)


def duplicates(
    layers: Sequence[tuple[StoredLayer, Sequence[str] | None]], entries: Iterable[list[Entry]]
) -> list[Duplicate]:
    """The files in LAYERS (each with its recipe, if it has one) that share a content, most wasteful first.

    ENTRIES are those of each layer. Reads the files whose size occurs more than once, and no empty ones.
    """
    sizes = Counter(entry.size for layer in entries for entry in layer if entry.type == FILE)
    places: dict[tuple[int, bytes], list[tuple[int, bytes]]] = {}
    for number, (layer, recipe) in enumerate(layers):
        for entry, content in members_of(layer, recipe):
            if entry.size and entry.type == FILE and sizes[entry.size] > 1:
                digest = content_digest(iter(lambda: content.read(CHUNK_SIZE), b""))
                places.setdefault((entry.size, digest), []).append((number, entry.path))
    found = [Duplicate(size, here) for (size, _), here in places.items() if len(here) > 1]
    return sorted(found, key=lambda duplicate: (-duplicate.wasted, duplicate.places))
