"""From a stream of tar bytes to a blob, in one pass: digests, sizes, and the file where one is kept."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laminix.parallel.consumer_thread import ConsumerThread
from laminix.compression.compressor import MAGIC, Compressor, compress
from laminix.descriptor import Descriptor
from laminix.digest import digest_of
from laminix.errors import LaminixError
from laminix.media_types import LAYER_TYPES
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of

# The name of the blob's file beside layer.json, by compression.
BLOB_FILES = {"none": "layer.tar", "gzip": "layer.tar.gz", "zstd": "layer.tar.zst"}


@dataclass(frozen=True)
class Blob:
    """What one pass over a layer's tar found out."""

    descriptor: Descriptor  # of the blob as stored
    diff_id: str  # digest of the tar
    diff_size: int  # bytes of the tar
    file: str | None  # the name of the file that holds it, None where none is kept


def write_blob(tar: Iterable[bytes], compressor: Compressor, directory: str | None, threads: int) -> Blob:
    """Measure the blob that COMPRESSOR makes of TAR and write it into DIRECTORY; with None keep no file.

    Where the blob is the tar itself, a chunk of TAR has to be good only until the next is asked for.
    Raises LaminixError where a compressor's output is neither gzip nor zstd.
    """
    path = None if directory is None else os.path.join(directory, "blob")
    if compressor.name == "none":
        blob = _plain_blob(tar, path)
    else:
        blob = _compressed_blob(tar, compressor, path, threads)
    if directory is not None:
        os.rename(path, os.path.join(directory, blob.file))
    return blob


def _plain_blob(tar: Iterable[bytes], path: str | None) -> Blob:
    digest, size = _measure(_written_to(path, tar))
    return Blob(Descriptor(LAYER_TYPES["none"], digest, size), digest, size, path and BLOB_FILES["none"])


def _compressed_blob(tar: Iterable[bytes], compressor: Compressor, path: str | None, threads: int) -> Blob:
    # Both hashes are made in threads beside.
    with ConsumerThread(_measure) as tar_meter, ConsumerThread(_measure) as blob_meter:
        chunks = compress(compressor, tar_meter.through(tar), threads)
        start = _drain(_written_to(path, blob_meter.through(chunks)))
        diff_id, diff_size = tar_meter.result()
        digest, size = blob_meter.result()
    compression = _checked_compression(start, compressor)
    descriptor = Descriptor(LAYER_TYPES[compression], digest, size)
    return Blob(descriptor, diff_id, diff_size, path and BLOB_FILES[compression])


def _measure(chunks: Iterable[bytes]) -> tuple[str, int]:
    """The digest and the size in bytes of all CHUNKS."""
    state, size = hashlib.sha256(), 0
    for chunk in chunks:
        state.update(chunk)
        size += len(chunk)
    return digest_of(state), size


def _written_to(path: str | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """CHUNKS, each written to PATH, if there is one, before it is passed on."""
    if path is None:
        yield from chunks
        return
    with open(path, "wb", buffering=0) as file:
        for chunk in chunks:
            _write_all(file, chunk)
            yield chunk


def _drain(chunks: Iterable[bytes]) -> bytes:
    """The first bytes of CHUNKS, when all have passed."""
    start = b""
    for chunk in chunks:
        if len(start) < LONGEST_MAGIC:
            start += chunk[:LONGEST_MAGIC]
    return start


def _write_all(file, chunk: bytes) -> None:
    """Write the whole chunk: an unbuffered write may take less, as on a disk that fills up."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _checked_compression(start: bytes, compressor: Compressor) -> str:
    """The compression that the blob's first bytes tell; one that layers may have."""
    compression = compression_of(start)
    if compression not in MAGIC:
        raise LaminixError("bad compressor", f"its output is neither {' nor '.join(MAGIC)}", compressor.name)
    return compression
