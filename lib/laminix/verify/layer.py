"""The verification of a layer from its bytes: media type, digests, and entries that contradict each other."""

from collections.abc import Iterable, Iterator

from laminix.errors import LaminixError, shown
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import compression_of_layer, open_uncompressed
from laminix.media_types import DOCKER_LAYER, LAYER_TYPES
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, OPAQUE, WHITEOUT_PREFIX, Entry, hidden_name, layer_order
from laminix.tar.reader import member_path, read

BAD_LAYER = "bad layer"

# What aufs wrote into the layers of old images. Engines ignore it, or take it for whiteouts of names that cannot exist.
AUFS_PREFIX = b".wh..wh."

# Other media types of layers (media-types.md; Docker's image manifest version 2, schema 2).
NON_DISTRIBUTABLE = ".nondistributable.v1.tar"
DOCKER_TYPES = frozenset(
    {
        DOCKER_LAYER,
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    }
)


def layer_problems(layer: StoredLayer, check_order: bool) -> Iterator[LaminixError]:
    """Yield all problems of LAYER. With CHECK_ORDER, its members must have mk-layer's entry order."""
    yield from _type_problems(layer)
    readings: dict[str, None] = {}  # in order, each once
    stream = open_uncompressed(layer, readings.setdefault)
    try:
        members = (entry for entry, _ in read(stream, BAD_LAYER, layer.location, readings.setdefault))
        yield from member_problems(members, layer.location, check_order)
    except LaminixError as error:
        yield error
    try:
        # Read to the end, even after an error in the tar, because the digests are checked there.
        while stream.read(CHUNK_SIZE):
            pass
    except LaminixError as error:
        yield error
    yield from (LaminixError(BAD_LAYER, reading, layer.location) for reading in readings)


def _type_problems(layer: StoredLayer) -> Iterator[LaminixError]:
    media_type = layer.media_type.replace(NON_DISTRIBUTABLE, ".v1.tar")
    if media_type in DOCKER_TYPES:
        return  # Docker detects the compression from the bytes, so many archives have another type here
    compressions = {name: compression for compression, name in LAYER_TYPES.items()}
    if media_type not in compressions:
        yield LaminixError(BAD_LAYER, f"media type {media_type!r} is not a layer type", layer.location)
        return
    found = compression_of_layer(layer)
    if found != compressions[media_type]:
        why = f"media type {media_type!r} and compression {found} disagree"
        yield LaminixError(BAD_LAYER, why, layer.location)


def member_problems(entries: Iterable[Entry], place: str, check_order: bool) -> Iterator[LaminixError]:
    """Yield the problems of ENTRIES as the members of one layer (image-spec layer.md).

    With CHECK_ORDER, also checks mk-layer's order: depth first, names in bytewise order, whiteouts first in their
    directory, each directory directly before its contents.
    """
    types: dict[bytes, bytes] = {}
    previous: tuple[bytes, ...] = ()
    for entry in entries:
        parent = entry.path.rpartition(b"/")[0]
        for why in _member_problems(entry, parent, types):
            yield LaminixError(BAD_LAYER, f"{shown(entry.path)!r} {why}", place)
        if check_order:
            current = layer_order(entry.path)
            for why in _order_problems(entry, parent, types, previous >= current):
                yield LaminixError(BAD_LAYER, f"{shown(entry.path)!r} {why}", place)
            previous = current
        types[entry.path] = entry.type


def _member_problems(entry: Entry, parent: bytes, types: dict[bytes, bytes]) -> Iterator[str]:
    name = entry.path.rpartition(b"/")[2]
    if name.startswith(WHITEOUT_PREFIX) and (name == OPAQUE or not name.startswith(AUFS_PREFIX)):
        yield from _whiteout_problems(entry, name)
    if entry.path in types:
        yield "appears more than once"
    # A parent that is a symbolic link is valid: engines follow it, and old images rely on that.
    if types.get(parent) == FILE:
        yield f"is inside {shown(parent)!r}, which is a file"
    if entry.type == HARD_LINK and not _has_target(entry, types):
        yield f"is a hard link to {shown(entry.link)!r}, but no such file comes before it"


def _whiteout_problems(entry: Entry, name: bytes) -> Iterator[str]:
    """Yield what is wrong with a whiteout, which must be an empty file (image-spec layer.md, Whiteouts)."""
    try:
        hidden_name(name)
    except ValueError as error:
        yield str(error)
    if entry.type != FILE or entry.size:
        yield "has the name of a whiteout, but is not an empty file"


def _has_target(entry: Entry, types: dict[bytes, bytes]) -> bool:
    """Return whether the hard link's target precedes it and is not a directory."""
    try:
        return types.get(member_path(entry.link), DIRECTORY) != DIRECTORY
    except ValueError:
        return False


def _order_problems(entry: Entry, parent: bytes, types: dict[bytes, bytes], backwards: bool) -> Iterator[str]:
    if backwards and entry.path not in types:
        yield "is out of order"
    if parent and types.get(parent) != DIRECTORY:
        yield "comes before its directory"
