"""What is wrong with a layer, from its bytes: digests, and what may stand in one layer together."""

from collections.abc import Iterable, Iterator

from laminix.media_types import DOCKER_LAYER, LAYER_TYPES
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, Entry, layer_order
from laminix.errors import LaminixError, shown
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import compression_of_layer, open_uncompressed
from laminix.tar.reader import member_path, read
from laminix.parallel.chunks import CHUNK_SIZE

BAD_LAYER = "bad layer"

# Registries serve layers under these as well (media-types.md; Docker's image manifest v2.2).
FOREIGN = ".nondistributable.v1.tar"
DOCKER_OTHERS = frozenset(
    {
        DOCKER_LAYER,
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    }
)


def layer_problems(layer: StoredLayer, ours: bool) -> Iterator[LaminixError]:
    """All that is wrong with LAYER; with OURS its members have to be in our order, too."""
    yield from _type_problems(layer)
    stream = open_uncompressed(layer)
    try:
        members = (entry for entry, _ in read(stream, BAD_LAYER, layer.location))
        yield from member_problems(members, layer.location, ours)
    except LaminixError as error:
        yield error
    try:
        # Also where the tar is damaged: the digests are told once all has been read.
        while stream.read(CHUNK_SIZE):
            pass
    except LaminixError as error:
        yield error


def _type_problems(layer: StoredLayer) -> Iterator[LaminixError]:
    media_type = layer.media_type.replace(FOREIGN, ".v1.tar")
    if media_type in DOCKER_OTHERS:
        return  # Docker looks at the bytes, and everybody's archives rely on that
    compressions = {name: compression for compression, name in LAYER_TYPES.items()}
    if media_type not in compressions:
        yield LaminixError(BAD_LAYER, f"its media type {media_type!r} is no layer's", layer.location)
        return
    found = compression_of_layer(layer)
    if found != compressions[media_type]:
        why = f"its media type {media_type!r} does not fit its compression, {found}"
        yield LaminixError(BAD_LAYER, why, layer.location)


def member_problems(entries: Iterable[Entry], place: str, ours: bool) -> Iterator[LaminixError]:
    """What is wrong with ENTRIES as one layer (image-spec layer.md): errors of what engines do, no order.

    With OURS also what departs from the order that laminix promises: depth first, bytewise, whiteouts first
    in their directory, each directory directly before its contents.
    """
    types: dict[bytes, bytes] = {}
    previous: tuple[bytes, ...] = ()
    for entry in entries:
        parent = entry.path.rpartition(b"/")[0]
        for why in _faults(entry, parent, types):
            yield LaminixError(BAD_LAYER, f"{shown(entry.path)!r} {why}", place)
        if ours:
            current = layer_order(entry.path)
            for why in _disorder(entry, parent, types, previous >= current):
                yield LaminixError(BAD_LAYER, f"{shown(entry.path)!r} {why}", place)
            previous = current
        types[entry.path] = entry.type


def _faults(entry: Entry, parent: bytes, types: dict[bytes, bytes]) -> Iterator[str]:
    if entry.path in types:
        yield "is in it twice"
    # Only a file: members behind a symbolic link go where it leads, which old images rely on.
    if types.get(parent) == FILE:
        yield f"lies in {shown(parent)!r}, which is a file"
    if entry.type == HARD_LINK and not _leads(entry, types):
        yield f"is a hard link to {shown(entry.link)!r}, which is not before it"


def _leads(entry: Entry, types: dict[bytes, bytes]) -> bool:
    """Whether the hard link's target is there already, where it can be linked to."""
    try:
        return types.get(member_path(entry.link), DIRECTORY) != DIRECTORY
    except ValueError:
        return False


def _disorder(entry: Entry, parent: bytes, types: dict[bytes, bytes], backwards: bool) -> Iterator[str]:
    if backwards and entry.path not in types:
        yield "is out of order"
    if parent and types.get(parent) != DIRECTORY:
        yield "comes before its directory"
