"""A layer's bytes, checked as they pass."""

import gzip
import hashlib
import io
from dataclasses import replace

import pytest

from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import (
    checked_chunks,
    compression_of_layer,
    open_uncompressed,
    uncompressed_chunks,
    with_digest,
)

TAR = b"any bytes" * 500_000
BLOB = gzip.compress(TAR, mtime=0)


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def layer(data: bytes, **changes) -> StoredLayer:
    stored = StoredLayer(digest(TAR), "type", len(data), digest(data), "here", lambda: io.BytesIO(data))
    return replace(stored, **changes)


@pytest.mark.parametrize("data", (TAR, BLOB))
@pytest.mark.parametrize("known", (True, False))
def test_sound_layers_pass(data, known):
    given = layer(data) if known else layer(data, digest=None)
    assert b"".join(checked_chunks(given)) == b"".join(checked_chunks(given, diff_id_too=True)) == data
    assert b"".join(uncompressed_chunks(given)) == open_uncompressed(given).readall() == TAR
    assert with_digest(given).digest == digest(data)


def test_digest_of_another_algorithm_is_checked_too():
    given = layer(BLOB, digest=digest(BLOB, "sha512"))
    assert b"".join(checked_chunks(given)) == BLOB
    with pytest.raises(LaminixError, match="its digest is sha512:"):
        list(checked_chunks(replace(given, digest=digest(b"", "sha512"))))


@pytest.mark.parametrize("data", (TAR, BLOB))
@pytest.mark.parametrize("read", (checked_chunks, uncompressed_chunks), ids=("stored", "plain"))
def test_another_digest_is_told(data, read):
    with pytest.raises(LaminixError, match=r"its (digest|diff ID) is .*, expected .* \(here\)"):
        list(read(layer(data, digest=digest(b""), diff_id=digest(TAR if data is BLOB else b""))))


def test_another_diff_id_is_told_where_it_is_asked_for():
    given = layer(BLOB, diff_id=digest(b""))
    assert b"".join(checked_chunks(given)) == BLOB
    for chunks in (checked_chunks(given, diff_id_too=True), uncompressed_chunks(given)):
        with pytest.raises(LaminixError, match="its diff ID is"):
            list(chunks)


def test_another_diff_id_is_told_where_nothing_else_is_known():
    for read in (checked_chunks, with_digest):
        with pytest.raises(LaminixError, match="its diff ID is"):
            list(read(layer(BLOB, digest=None, diff_id=digest(b""))))


def test_reader_that_stops_early_waits_for_nobody():
    chunks = checked_chunks(layer(BLOB), diff_id_too=True)
    next(chunks)
    chunks.close()


@pytest.mark.parametrize("data, name", [(TAR, "none"), (BLOB, "gzip"), (b"", "none")])
def test_compression_is_told_by_the_bytes(data, name):
    assert compression_of_layer(layer(data, media_type="whatever")) == name
