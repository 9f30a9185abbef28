"""The bytes of a stored layer, as stored or uncompressed, checked against its digests while they are read."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace

from laminix.compression.uncompress import LONGEST_MAGIC, Report, compression_of, uncompressed
from laminix.digest import digest_of, new_hash
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.parallel.chunk_reader import ChunkReader
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.consumer_thread import ConsumerThread


def stored_chunks(layer: StoredLayer) -> Iterator[bytes]:
    """Yield the layer's bytes as stored, without checking them."""
    with layer.open() as file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk


def checked_chunks(layer: StoredLayer, diff_id_too: bool = False) -> Iterator[bytes]:
    """Yield the layer's bytes as stored; threads compute the digests meanwhile.

    Checks the digest, or the diff ID if the digest is unknown. With DIFF_ID_TOO, checks both; checking a diff ID
    means uncompressing the layer. Raises LaminixError after the last chunk if a digest differs.
    """
    by_diff_id = diff_id_too or layer.digest is None
    with ConsumerThread(_digest_check(layer)) as digest, ConsumerThread(_diff_id_check(layer, by_diff_id)) as diff_id:
        for chunk in stored_chunks(layer):
            digest.put(chunk)
            diff_id.put(chunk)
            yield chunk
        digest.result()
        diff_id.result()


def uncompressed_chunks(layer: StoredLayer, report: Report | None = None) -> Iterator[bytes]:
    """Yield the layer's uncompressed tar. Raises LaminixError after the last chunk if digest or diff ID differ.

    Calls REPORT for compressed data that readers read in different ways.
    """
    stored = stored_chunks(layer) if layer.digest in (None, layer.diff_id) else checked_chunks(layer)
    with ConsumerThread(lambda chunks: _check_diff_id(layer, digest_of_chunks(chunks))) as check:
        for chunk in uncompressed(stored, layer.location, report):
            check.put(chunk)
            yield chunk
        check.result()


def open_uncompressed(layer: StoredLayer, report: Report | None = None) -> io.RawIOBase:
    """Return the layer's uncompressed tar as a file that can be read once, checked as by ``uncompressed_chunks``."""
    return ChunkReader(uncompressed_chunks(layer, report))


def with_digest(layer: StoredLayer) -> StoredLayer:
    """Return LAYER with its digest. Computes an unknown digest from the bytes, and then checks the diff ID too."""
    if layer.digest is not None:
        return layer
    chunks = checked_chunks(layer, diff_id_too=True)
    return replace(layer, digest=digest_of_chunks(chunks))


def compression_of_layer(layer: StoredLayer) -> str:
    """Return the name of the layer's compression, recognised by its first bytes rather than its media type."""
    with layer.open() as file:
        return compression_of(file.read(LONGEST_MAGIC) or b"")


def _digest_check(layer: StoredLayer):
    """Return a function that checks the digest of the chunks passed to it; None if the digest is unknown."""
    if layer.digest is None:
        return None
    return lambda chunks: _check_digest(layer, digest_of_chunks(chunks, new_hash(layer.digest).name))


def _diff_id_check(layer: StoredLayer, wanted: bool):
    """Return a function that checks the diff ID; None unless WANTED and not the digest of a plain tar."""
    if not wanted or layer.digest == layer.diff_id and _is_plain(layer):
        return None
    return lambda chunks: _check_diff_id(layer, digest_of_chunks(uncompressed(chunks, layer.location)))


def _is_plain(layer: StoredLayer) -> bool:
    """Return whether the stored bytes are the tar. A recipe gives the tar if its digest, which is checked, says so."""
    return layer.recipe_directory is not None or compression_of_layer(layer) == "none"


def digest_of_chunks(chunks: Iterable[bytes], algorithm: str = "sha256") -> str:
    """Return the digest of all CHUNKS together."""
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
