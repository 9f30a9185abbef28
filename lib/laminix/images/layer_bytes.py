"""A stored layer's bytes, as stored and uncompressed, checked against its digests as they pass."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace

from laminix.parallel.consumer_thread import ConsumerThread
from laminix.digest import new_hash, digest_of
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.parallel.chunk_reader import ChunkReader
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.parallel.chunks import CHUNK_SIZE


def stored_chunks(layer: StoredLayer) -> Iterator[bytes]:
    """The layer's bytes as stored, in chunks; unchecked."""
    with layer.open() as file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk


def checked_chunks(layer: StoredLayer, diff_id_too: bool = False) -> Iterator[bytes]:
    """The layer's bytes as stored, in chunks, digest_of_chunks by threads beside.

    Checked at the end: the digest where it is known, the diff ID where it is not, and both with
    DIFF_ID_TOO (which uncompresses for that).  A mismatch raises a LaminixError that names the layer.
    """
    by_diff_id = diff_id_too or layer.digest is None
    with ConsumerThread(_digest_check(layer)) as digest, ConsumerThread(_diff_id_check(layer, by_diff_id)) as diff_id:
        for chunk in stored_chunks(layer):
            digest.put(chunk)
            diff_id.put(chunk)
            yield chunk
        digest.result()
        diff_id.result()


def uncompressed_chunks(layer: StoredLayer) -> Iterator[bytes]:
    """The layer's uncompressed tar, in chunks; its digest and its diff ID are checked at the end."""
    stored = stored_chunks(layer) if layer.digest in (None, layer.diff_id) else checked_chunks(layer)
    with ConsumerThread(lambda chunks: _check_diff_id(layer, digest_of_chunks(chunks))) as check:
        for chunk in uncompressed(stored, layer.location):
            check.put(chunk)
            yield chunk
        check.result()


def open_uncompressed(layer: StoredLayer) -> io.RawIOBase:
    """The layer's uncompressed tar as a file that is read once, checked as ``uncompressed_chunks`` is."""
    return ChunkReader(uncompressed_chunks(layer))


def measured(layer: StoredLayer) -> StoredLayer:
    """LAYER with its digest, taken from its bytes where it was not known; its diff ID is checked then."""
    if layer.digest is not None:
        return layer
    chunks = checked_chunks(layer, diff_id_too=True)
    return replace(layer, digest=digest_of_chunks(chunks))


def compression_of_layer(layer: StoredLayer) -> str:
    """How the layer's bytes are compressed, as they themselves say."""
    with layer.open() as file:
        return compression_of(file.read(LONGEST_MAGIC) or b"")


def _digest_check(layer: StoredLayer):
    """What compares the digest of the chunks it is given; None where there is nothing to compare with."""
    if layer.digest is None:
        return None
    return lambda chunks: _check_digest(layer, digest_of_chunks(chunks, new_hash(layer.digest).name))


def _diff_id_check(layer: StoredLayer, wanted: bool):
    if not wanted or layer.digest == layer.diff_id:
        return None
    return lambda chunks: _check_diff_id(layer, digest_of_chunks(uncompressed(chunks, layer.location)))


def digest_of_chunks(chunks: Iterable[bytes], algorithm: str = "sha256") -> str:
    """The digest of all CHUNKS."""
    state = hashlib.new(algorithm)
    for chunk in chunks:
        state.update(chunk)
    return digest_of(state)


def _check_digest(layer: StoredLayer, found: str) -> None:
    if found != layer.digest:
        raise LaminixError("bad layer", f"its digest is {found}, expected {layer.digest}", layer.location)


def _check_diff_id(layer: StoredLayer, found: str) -> None:
    if found != layer.diff_id:
        raise LaminixError("bad layer", f"its diff ID is {found}, expected {layer.diff_id}", layer.location)
