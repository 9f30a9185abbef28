"""A stored layer's bytes, as stored and uncompressed, checked against its digests as they pass."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace

from laminix.parallel.consumer_thread import Beside
from laminix.digest import hasher, written
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.parallel.chunk_reader import PieceReader
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.parallel.chunks import PIECE


def stored_pieces(layer: StoredLayer) -> Iterator[bytes]:
    """The layer's bytes as stored, in pieces; unchecked."""
    with layer.open() as file:
        while piece := file.read(PIECE):
            yield piece


def checked_pieces(layer: StoredLayer, diff_id_too: bool = False) -> Iterator[bytes]:
    """The layer's bytes as stored, in pieces, hashed by threads beside.

    Checked at the end: the digest where it is known, the diff ID where it is not, and both with
    DIFF_ID_TOO (which uncompresses for that).  A mismatch raises a LaminixError that names the layer.
    """
    by_diff_id = diff_id_too or layer.digest is None
    with Beside(_digest_check(layer)) as digest, Beside(_diff_id_check(layer, by_diff_id)) as diff_id:
        for piece in stored_pieces(layer):
            digest.put(piece)
            diff_id.put(piece)
            yield piece
        digest.result()
        diff_id.result()


def plain_pieces(layer: StoredLayer) -> Iterator[bytes]:
    """The layer's uncompressed tar, in pieces; its digest and its diff ID are checked at the end."""
    stored = stored_pieces(layer) if layer.digest in (None, layer.diff_id) else checked_pieces(layer)
    with Beside(lambda pieces: _check_diff_id(layer, hashed(pieces))) as check:
        for piece in uncompressed(stored, layer.location):
            check.put(piece)
            yield piece
        check.result()


def open_plain(layer: StoredLayer) -> io.RawIOBase:
    """The layer's uncompressed tar as a file that is read once, checked as ``plain_pieces`` is."""
    return PieceReader(plain_pieces(layer))


def measured(layer: StoredLayer) -> StoredLayer:
    """LAYER with its digest, taken from its bytes where it was not known; its diff ID is checked then."""
    if layer.digest is not None:
        return layer
    pieces = checked_pieces(layer, diff_id_too=True)
    return replace(layer, digest=hashed(pieces))


def compression_of_layer(layer: StoredLayer) -> str:
    """How the layer's bytes are compressed, as they themselves say."""
    with layer.open() as file:
        return compression_of(file.read(LONGEST_MAGIC) or b"")


def _digest_check(layer: StoredLayer):
    """What compares the digest of the pieces it is given; None where there is nothing to compare with."""
    if layer.digest is None:
        return None
    return lambda pieces: _check_digest(layer, hashed(pieces, hasher(layer.digest).name))


def _diff_id_check(layer: StoredLayer, wanted: bool):
    if not wanted or layer.digest == layer.diff_id:
        return None
    return lambda pieces: _check_diff_id(layer, hashed(uncompressed(pieces, layer.location)))


def hashed(pieces: Iterable[bytes], algorithm: str = "sha256") -> str:
    """The digest of all PIECES."""
    state = hashlib.new(algorithm)
    for piece in pieces:
        state.update(piece)
    return written(state)


def _check_digest(layer: StoredLayer, found: str) -> None:
    if found != layer.digest:
        raise LaminixError("bad layer", f"its digest is {found}, expected {layer.digest}", layer.location)


def _check_diff_id(layer: StoredLayer, found: str) -> None:
    if found != layer.diff_id:
        raise LaminixError("bad layer", f"its diff ID is {found}, expected {layer.diff_id}", layer.location)
