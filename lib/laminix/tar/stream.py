"""Encode entries as a stream of tar bytes, reading the contents of files meanwhile."""

from collections.abc import Callable, Iterable, Iterator

from laminix.errors import LaminixError
from laminix.tar.entries import Entry
from laminix.tar.writer import BLOCK, header


def tar_stream(entries: Iterable[Entry], new_chunk: Callable[[], memoryview]) -> Iterator[memoryview]:
    """Yield the tar of ENTRIES in chunks, without the two zero blocks at the end.

    Each chunk is the filled part of a buffer from NEW_CHUNK. All buffers must have the same size, a multiple of 512
    bytes. Raises LaminixError if a file cannot be read or its size has changed.
    """
    # Collecting headers and small files in one chunk saves calls for hashing and writing. Reading a file directly
    # into the chunk saves a copy.
    chunk, filled = new_chunk(), 0
    room = len(chunk)
    for entry in entries:
        start = header(entry)
        while len(start) > room - filled:
            if len(start) > room:  # only with huge xattrs
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
    """Read up to LEFT bytes of the file of ENTRY into CHUNK at offset FILLED; return the number of bytes read."""
    # Requesting one byte more than expected detects a file that has grown, without another call. The next write
    # to the chunk overwrites that byte.
    buffers = [chunk[filled : filled + left + 1]]
    if len(chunk) - filled == left:
        buffers.append(bytearray(1))
    got = entry.source.read_into(buffers)
    if got > left or not got and left:
        why = f"file changed size while being read: it had {entry.size} bytes at first"
        raise LaminixError("cannot pack", why, entry.source.path())
    return got
