"""Write the blob of a layer from its tar stream: digests, sizes and the file in one pass."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laminix.compression.compressor import MAGIC, Compressor, compress
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of
from laminix.descriptor import Descriptor
from laminix.digest import digest_of
from laminix.errors import LaminixError
from laminix.media_types import LAYER_TYPES
from laminix.parallel.consumer_thread import ConsumerThread

# The name of the blob's file beside layer.json, by compression.
BLOB_FILES = {"none": "layer.tar", "gzip": "layer.tar.gz", "zstd": "layer.tar.zst"}


@dataclass(frozen=True)
class Blob:
    """The blob of a layer, and the digests and sizes measured while it was written."""

    descriptor: Descriptor  # of the blob as stored
    diff_id: str  # digest of the tar
    diff_size: int  # bytes of the tar
    file: str | None  # file name of the blob; None if it is not kept


def write_blob(tar: Iterable[bytes], compressor: Compressor, directory: str | None, threads: int) -> Blob:
    """Return the blob that COMPRESSOR makes of TAR, written to DIRECTORY; if that is None, only measured.

    Without compression, each chunk of TAR is used before the next is requested; with compression, chunks must not
    change. Raises LaminixError if the compressor's output is neither gzip nor zstd.
    """
    path = None if directory is None else os.path.join(directory, "blob")
    if compressor.name == "none":
        blob = _plain_blob(tar, path)
    else:
        blob = _compressed_blob(tar, compressor, path, threads)
    if directory is not None:
        os.chmod(path, 0o444)  # images can then share it by hard links
        os.rename(path, os.path.join(directory, blob.file))
    return blob


def _plain_blob(tar: Iterable[bytes], path: str | None) -> Blob:
    digest, size = _measure(_written_to(path, tar))
    return Blob(Descriptor(LAYER_TYPES["none"], digest, size), digest, size, path and BLOB_FILES["none"])


def _compressed_blob(tar: Iterable[bytes], compressor: Compressor, path: str | None, threads: int) -> Blob:
    # Each hash has a thread of its own.
    with ConsumerThread(_measure) as tar_meter, ConsumerThread(_measure) as blob_meter:
        chunks = compress(compressor, tar_meter.through(tar), threads)
        start = _drain(_written_to(path, blob_meter.through(chunks)))
        diff_id, diff_size = tar_meter.result()
        digest, size = blob_meter.result()
    compression = _checked_compression(start, compressor)
    descriptor = Descriptor(LAYER_TYPES[compression], digest, size)
    return Blob(descriptor, diff_id, diff_size, path and BLOB_FILES[compression])


def _measure(chunks: Iterable[bytes]) -> tuple[str, int]:
    """Return the digest and the size in bytes of all CHUNKS together."""
    state, size = hashlib.sha256(), 0
    for chunk in chunks:
        state.update(chunk)
        size += len(chunk)
    return digest_of(state), size


def _written_to(path: str | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield CHUNKS, after writing each to PATH unless that is None."""
    if path is None:
        yield from chunks
        return
    with open(path, "wb", buffering=0) as file:
        for chunk in chunks:
            write_all(file, chunk)
            yield chunk


def _drain(chunks: Iterable[bytes]) -> bytes:
    """Consume CHUNKS and return their first bytes, at least LONGEST_MAGIC if there are as many."""
    start = b""
    for chunk in chunks:
        if len(start) < LONGEST_MAGIC:
            start += chunk[:LONGEST_MAGIC]
    return start


def write_all(file, chunk: bytes) -> None:
    """Write the whole CHUNK. One unbuffered write may write only a part, for example when the disk is almost full."""
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _checked_compression(start: bytes, compressor: Compressor) -> str:
    """Return the compression of a blob that begins with START: gzip or zstd. Raises LaminixError for any other."""
    compression = compression_of(start)
    if compression not in MAGIC:
        raise bad_compressor(compressor)
    return compression


def bad_compressor(compressor: Compressor) -> LaminixError:
    """Return the error for a COMPRESSOR whose output is in a format that no layer may have."""
    why = f"expected output in {' or '.join(MAGIC)} format, found neither"
    return LaminixError("bad compressor", why, compressor.name)
