"""From a stream of tar bytes to a blob, in one pass: digests, sizes, and the file where one is kept."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

from laminix.beside import Beside
from laminix.compression.compressor import MAGIC, Compressor, compress
from laminix.descriptor import LAYER_FILES, LAYER_TYPES, Descriptor
from laminix.digest import written
from laminix.errors import LaminixError
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of


@dataclass(frozen=True)
class Blob:
    """What one pass over a layer's tar found out."""

    descriptor: Descriptor  # of the blob as stored
    diff_id: str  # digest of the tar
    diff_size: int  # bytes of the tar
    file: str | None  # the name of the file that holds it, None where none is kept


def write_blob(tar: Iterable[bytes], compressor: Compressor, directory: str | None, threads: int) -> Blob:
    """Measure the blob that COMPRESSOR makes of TAR and write it into DIRECTORY; with None keep no file.

    Raises LaminixError where a compressor's output is neither gzip nor zstd.
    """
    # The hashes are made in threads beside: reading and hashing take the time of the longer of the two
    # (44,000 files in 0.7 s where one thread took 1.1).  A blob that is the tar needs one hash.
    plain = compressor.name == "none"
    path = None if directory is None else os.path.join(directory, "blob")
    with Beside(_measure) as tar_meter, Beside(None if plain else _measure) as blob_meter:
        pieces = compress(compressor, tar_meter.through(tar), threads)
        start = _drain(blob_meter.through(pieces), path)
        diff_id, diff_size = tar_meter.result()
        digest, size = (diff_id, diff_size) if plain else blob_meter.result()
    compression = "none" if plain else _checked_compression(start, compressor)
    file = None if path is None else LAYER_FILES[compression]
    if path is not None:
        os.rename(path, os.path.join(directory, file))
    return Blob(Descriptor(LAYER_TYPES[compression], digest, size), diff_id, diff_size, file)


def _measure(pieces: Iterable[bytes]) -> tuple[str, int]:
    """The digest and the size in bytes of all PIECES."""
    state, size = hashlib.sha256(), 0
    for piece in pieces:
        state.update(piece)
        size += len(piece)
    return written(state), size


def _drain(pieces: Iterable[bytes], path: str | None) -> bytes:
    """Write PIECES to PATH, if there is one; returns their first bytes."""
    start = b""
    with open(path or os.devnull, "wb", buffering=0) as file:
        for piece in pieces:
            if len(start) < LONGEST_MAGIC:
                start += piece[:LONGEST_MAGIC]
            if path is not None:
                _write_all(file, piece)
    return start


def _write_all(file, piece: bytes) -> None:
    """Write the whole piece: an unbuffered write may take less, as on a disk that fills up."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _checked_compression(start: bytes, compressor: Compressor) -> str:
    """The compression that the blob's first bytes tell; one that layers may have."""
    compression = compression_of(start)
    if compression not in MAGIC:
        raise LaminixError("bad compressor", f"its output is neither {' nor '.join(MAGIC)}", compressor.name)
    return compression
