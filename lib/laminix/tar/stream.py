"""Entries to tar bytes, the contents of files read from disk on the way."""

import os
from collections.abc import Callable, Iterable, Iterator

from laminix.tar.entries import Entry
from laminix.errors import LaminixError
from laminix.tar.writer import BLOCK, header


def tar_stream(entries: Iterable[Entry], new_chunk: Callable[[], memoryview]) -> Iterator[memoryview]:
    """The tar of ENTRIES, but for its end, in chunks: each the start of a NEW_PIECE, as much as fits.

    All new chunks are of one size, whole blocks.  Raises LaminixError for a file that cannot be read or
    has another size than its entry says.
    """
    # Headers and small files are gathered, so that hashing and writing cost a call a chunk and not a call
    # a file; files are read to where they belong in the chunk, which saves a copy.
    chunk, filled = new_chunk(), 0
    room = len(chunk)
    for entry in entries:
        start = header(entry)
        while len(start) > room - filled:
            if len(start) > room:  # as with huge xattrs
                chunk[filled:], start = start[: room - filled], start[room - filled :]
                filled = room
            yield chunk[:filled]
            chunk, filled = new_chunk(), 0
        chunk[filled : filled + len(start)] = start
        filled += len(start)
        if entry.source is None:
            continue
        left = entry.size
        while True:
            if filled == room:
                yield chunk
                chunk, filled = new_chunk(), 0
            got = _read(chunk, filled, left, entry)
            filled, left = filled + got, left - got
            if not left:
                break
        if rest := -filled % BLOCK:
            chunk[filled : filled + rest] = bytes(rest)
            filled += rest
    if filled:
        yield chunk[:filled]


def _read(chunk: memoryview, filled: int, left: int, entry: Entry) -> int:
    """Read LEFT bytes into CHUNK_SIZE from FILLED on, or as many as it takes; returns how many those were."""
    # Asking for one byte more than there should be shows a file that has grown, at no further call.  What
    # comes next writes over it.
    buffers = [chunk[filled : filled + left + 1]]
    if len(chunk) - filled == left:
        buffers.append(bytearray(1))
    got = os.readv(entry.source.descriptor, buffers)
    if got > left or not got and left:
        why = f"the file changed while it was read: it had {entry.size} bytes at first"
        raise LaminixError("cannot pack", why, entry.source.path())
    return got
