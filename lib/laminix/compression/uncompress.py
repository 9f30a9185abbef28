"""Decompress gzip, xz, bzip2 or zstd data. The format is recognised by its first bytes."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from laminix.compression.compressor import MAGIC as LAYER_MAGIC
from laminix.errors import LaminixError
from laminix.parallel.chunks import CHUNK_SIZE

MAGIC = {**LAYER_MAGIC, "xz": b"\xfd7zXZ\x00", "bzip2": b"BZh"}
LONGEST_MAGIC = 6
PIECE_SIZE = 16 << 10  # bytes
MAX_UNCOMPRESSED = 256 << 30  # bytes of one archive or layer
MAX_XZ_MEMORY = 256 << 20  # bytes of a decompressor: `xz -9` needs 65 MiB, and a stranger's file may ask for 4 GiB

Report = Callable[[str], None]  # takes a sentence about data that readers read in different ways


def compression_of(start: bytes) -> str:
    """Return the compression of data that begins with START: none, gzip, xz, bzip2 or zstd."""
    return next((name for name, magic in MAGIC.items() if start.startswith(magic)), "none")


def uncompressed(chunks: Iterable[bytes], place: object = None, report: Report | None = None) -> Iterator[bytes]:
    """Yield CHUNKS decompressed, in chunks. Data that is not compressed is passed on unchanged.

    Raises LaminixError (naming PLACE) for damaged or truncated data, and for zstd data without a zstd decompressor.
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
    if found is None:
        return _limited(_zstd_program(chunks, place), place)
    return _limited(_members(name, *found, chunks, place, report), place)


def _limited(chunks: Iterator[bytes], place: object) -> Iterator[bytes]:
    """Yield CHUNKS. Raises LaminixError if they are too large in total: 8 MiB of zstd can be 256 GiB of zeros."""
    left = MAX_UNCOMPRESSED
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise LaminixError("data is too large", f"more than {MAX_UNCOMPRESSED} bytes after decompression", place)
        yield chunk


def _find_decompressor(name: str):
    """Return what makes an object with the interface of lzma.LZMADecompressor, and the error that this raises.

    Returns None if Python has no such class for zstd, so that a program is needed.
    """
    # Imported here: they are rarely needed, and some builds of Python lack them.
    if name == "gzip":
        return _Gunzip, zlib.error
    if name == "xz":
        from lzma import LZMADecompressor, LZMAError

        return partial(LZMADecompressor, memlimit=MAX_XZ_MEMORY), LZMAError
    if name == "bzip2":
        from bz2 import BZ2Decompressor

        return BZ2Decompressor, OSError
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # Python 3.14
    except ImportError:
        return None
    return ZstdDecompressor, ZstdError


class _Gunzip:
    """A decompressor for one gzip member with the interface of lzma.LZMADecompressor."""

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


def _members(name: str, new, failure, chunks: Iterator[bytes], place: object, report: Report | None) -> Iterator[bytes]:
    """Yield the decompressed bytes of all members. Zeros after a member are padding and are skipped."""
    what = f"bad {name} data"
    data, in_pieces = next(chunks, b""), False
    try:
        while data:
            decompressor = new()
            yield from _one_member(decompressor, data, chunks)
            if not decompressor.eof:
                raise LaminixError(what, "data is truncated", place)
            rest = decompressor.unused_data
            if rest and not in_pieces:
                chunks, rest, in_pieces = _pieces(chain([rest], chunks)), b"", True
            data = _next_member(rest, chunks, report)
            if data and not data.startswith(MAGIC[name]):
                raise LaminixError(what, f"found other data after the end, expected {name} data or zeros", place)
    except failure as error:
        raise LaminixError(what, f"data is damaged: {error}", place) from None


def _one_member(decompressor, data: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the decompressed bytes of a member that starts with DATA and continues in CHUNKS."""
    while not decompressor.eof:
        # Data can grow a thousandfold. The limit of one chunk keeps memory constant.
        output = decompressor.decompress(data, CHUNK_SIZE)
        if output:
            yield output
        data = b""
        if not decompressor.eof and decompressor.needs_input and not output:
            data = next(chunks, b"")
            if not data:
                return


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield CHUNKS in pieces. The end of a member copies the rest of a piece, and a chunk can have 10,000 members."""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE_SIZE):
            yield chunk[start : start + PIECE_SIZE]


def _next_member(data: bytes, chunks: Iterator[bytes], report: Report | None) -> bytes:
    """Return the start of the next member, after padding: at least LONGEST_MAGIC bytes, fewer at the end."""
    start, padded = data.lstrip(b"\0"), data.startswith(b"\0")
    while len(start) < LONGEST_MAGIC and (chunk := next(chunks, None)) is not None:
        data = start + chunk
        start, padded = data.lstrip(b"\0"), padded or data.startswith(b"\0")
    if padded and report is not None:
        report("zeros follow the compressed data; engines load it, but skopeo rejects it in a docker archive")
    return start


def _zstd_program(chunks: Iterator[bytes], place: object) -> Iterator[bytes]:
    import shutil

    from laminix.compression.filter_program import through_program

    program = shutil.which("zstd")
    if program is None:
        why = "found no zstd: install Python 3.14 or put the program zstd on $PATH"
        raise LaminixError("cannot read zstd data", why, place)
    try:
        yield from through_program([program, "-q", "-d", "-c"], chunks)
    except LaminixError as error:
        raise LaminixError("bad zstd data", error.why, place) from None
