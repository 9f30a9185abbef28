"""Compressed bytes to plain ones, whatever compressed them: gzip, xz, bzip2 or zstd, found by magic."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from laminix.compression.compressor import MAGIC as OF_LAYERS
from laminix.errors import LaminixError
from laminix.parallel.chunks import CHUNK_SIZE

MAGIC = {**OF_LAYERS, "xz": b"\xfd7zXZ\x00", "bzip2": b"BZh"}
LONGEST_MAGIC = 6


def compression_of(start: bytes) -> str:
    """The compression of what begins with START: none, gzip, xz, bzip2 or zstd."""
    return next((name for name, magic in MAGIC.items() if start.startswith(magic)), "none")


def uncompressed(chunks: Iterable[bytes], place: object = None) -> Iterator[bytes]:
    """The plain bytes of CHUNKS, in chunks; what is not compressed comes through as it is.

    Raises LaminixError (naming PLACE) for damaged or truncated data, and for zstd where there is none.
    """
    chunks = iter(chunks)
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= LONGEST_MAGIC:
            break
    name = compression_of(start)
    chunks = chain([start] if start else [], chunks)
    if name == "none":
        return chunks
    found = _find_decompressor(name)
    return _zstd_program(chunks, place) if found is None else _members(name, *found, chunks, place)


def _find_decompressor(name: str):
    """A class with lzma.LZMADecompressor's interface and the error it raises; None: it takes a program."""
    # Imported where they are used: rare, and not in every Python.
    if name == "gzip":
        return _Gunzip, zlib.error
    if name == "xz":
        from lzma import LZMADecompressor, LZMAError

        return LZMADecompressor, LZMAError
    if name == "bzip2":
        from bz2 import BZ2Decompressor

        return BZ2Decompressor, OSError
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # Python 3.14
    except ImportError:
        return None
    return ZstdDecompressor, ZstdError


class _Gunzip:
    """zlib's decompressor of one gzip member, with the interface that lzma and bz2 share."""

    def __init__(self):
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _members(name: str, new, failure, chunks: Iterator[bytes], place: object) -> Iterator[bytes]:
    """The plain bytes of one compressed member after another; zeros behind the last are padding."""
    what = f"bad {name} data"
    data = next(chunks, b"")
    try:
        while data:
            decompressor = new()
            yield from _one_member(decompressor, data, chunks)
            if not decompressor.eof:
                raise LaminixError(what, "it ends early; it is truncated", place)
            data = _next_member(decompressor.unused_data, chunks)
            if data and not data.startswith(MAGIC[name]):
                raise LaminixError(what, f"something else than {name} follows its end", place)
    except failure as error:
        raise LaminixError(what, f"it is damaged: {error}", place) from None


def _one_member(decompressor, data: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    while not decompressor.eof:
        # A chunk at most: some compressed data grows a thousandfold, and memory is to stay constant.
        output = decompressor.decompress(data, CHUNK_SIZE)
        if output:
            yield output
        data = b""
        if not decompressor.eof and decompressor.needs_input and not output:
            data = next(chunks, b"")
            if not data:
                return


def _next_member(data: bytes, chunks: Iterator[bytes]) -> bytes:
    """Where the next member begins, padding skipped; at least a magic's length of it, if there is one."""
    data = data.lstrip(b"\0")
    while len(data) < LONGEST_MAGIC and (chunk := next(chunks, None)) is not None:
        data = (data + chunk).lstrip(b"\0")
    return data


def _zstd_program(chunks: Iterator[bytes], place: object) -> Iterator[bytes]:
    import shutil

    from laminix.compression.filter_program import through_program

    program = shutil.which("zstd")
    if program is None:
        why = "found no zstd; it takes Python 3.14 or the program zstd on $PATH"
        raise LaminixError("cannot read zstd data", why, place)
    try:
        yield from through_program([program, "-q", "-d", "-c"], chunks)
    except LaminixError as error:
        raise LaminixError("bad zstd data", error.why, place) from None
