"""Entries to tar bytes, the contents of files read from disk on the way."""

import os
from collections.abc import Callable, Iterable, Iterator

from laminix.tar.entries import Entry
from laminix.errors import LaminixError
from laminix.tar.writer import BLOCK, header


def tar_stream(entries: Iterable[Entry], new_piece: Callable[[], memoryview]) -> Iterator[memoryview]:
    """The tar of ENTRIES, but for its end, in pieces: each the start of a NEW_PIECE, as much as fits.

    All new pieces are of one size, whole blocks.  Raises LaminixError for a file that cannot be read or
    has another size than its entry says.
    """
    # Headers and small files are gathered, so that hashing and writing cost a call a piece and not a call
    # a file; files are read to where they belong in the piece, which saves a copy.
    piece, filled = new_piece(), 0
    room = len(piece)
    for entry in entries:
        start = header(entry)
        while len(start) > room - filled:
            if len(start) > room:  # as with huge xattrs
                piece[filled:], start = start[: room - filled], start[room - filled :]
                filled = room
            yield piece[:filled]
            piece, filled = new_piece(), 0
        piece[filled : filled + len(start)] = start
        filled += len(start)
        if entry.source is None:
            continue
        left = entry.size
        while True:
            if filled == room:
                yield piece
                piece, filled = new_piece(), 0
            got = _read(piece, filled, left, entry)
            filled, left = filled + got, left - got
            if not left:
                break
        if rest := -filled % BLOCK:
            piece[filled : filled + rest] = bytes(rest)
            filled += rest
    if filled:
        yield piece[:filled]


def _read(piece: memoryview, filled: int, left: int, entry: Entry) -> int:
    """Read LEFT bytes into PIECE from FILLED on, or as many as it takes; returns how many those were."""
    # Asking for one byte more than there should be shows a file that has grown, at no further call.  What
    # comes next writes over it.
    buffers = [piece[filled : filled + left + 1]]
    if len(piece) - filled == left:
        buffers.append(bytearray(1))
    got = os.readv(entry.source.descriptor, buffers)
    if got > left or not got and left:
        why = f"the file changed while it was read: it had {entry.size} bytes at first"
        raise LaminixError("cannot pack", why, entry.source.path())
    return got
