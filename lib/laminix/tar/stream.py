"""Entries to one stream of tar bytes, the contents of files read from disk on the way."""

import os
from collections.abc import Iterable, Iterator

from laminix.tar.entries import Entry
from laminix.errors import LaminixError
from laminix.tar.writer import BLOCK, END, header

# Headers and contents are gathered to pieces of this size, so that hashing and writing cost a call a
# megabyte and not a call a file.
PIECE = 1 << 20
# Non-blocking, for a FIFO that takes a file's place after it was looked at.
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def tar_stream(entries: Iterable[Entry]) -> Iterator[memoryview]:
    """The tar of ENTRIES, complete with its end, in pieces of a megabyte at most.

    Raises LaminixError for a file that cannot be read or has another size than its entry says.
    """
    # A new piece is all zeros, which saves writing the padding; files are read to where they belong in
    # it, which saves a copy.
    piece, filled = _new_piece(), 0
    for entry in entries:
        for start in _pieces(header(entry), PIECE):
            if filled + len(start) > PIECE:
                yield piece[:filled]
                piece, filled = _new_piece(), 0
            piece[filled : filled + len(start)] = start
            filled += len(start)
        if entry.source is None:
            continue
        descriptor, left = _open(entry), entry.size
        try:
            while True:
                if filled == PIECE:
                    yield piece
                    piece, filled = _new_piece(), 0
                got = _read(descriptor, piece[filled : filled + left], left, entry)
                filled, left = filled + got, left - got
                if not left:
                    break
        finally:
            os.close(descriptor)
        filled += -filled % BLOCK
    if filled + len(END) > PIECE:
        yield piece[:filled]
        piece, filled = _new_piece(), 0
    yield piece[: filled + len(END)]


def _new_piece() -> memoryview:
    return memoryview(bytearray(PIECE))


def _pieces(data: bytes, size: int) -> Iterable[bytes]:
    """DATA, cut where it is longer than SIZE, as a header with huge xattrs may be."""
    if len(data) <= size:
        return (data,)
    return (data[start : start + size] for start in range(0, len(data), size))


def _read(descriptor: int, place: memoryview, left: int, entry: Entry) -> int:
    """Read into PLACE as much as it takes, of LEFT bytes that are to come; returns how many those were."""
    if len(place) < left:
        got = os.readv(descriptor, (place,))
    else:
        # Asking for one byte more than there should be shows a file that has grown, at no further call.
        got = os.readv(descriptor, (place, bytearray(1)))
    if got > left or not got and left:
        why = f"the file changed while it was read: it had {entry.size} bytes at first"
        raise LaminixError("cannot pack", why, entry.source.path())
    return got


def _open(entry: Entry) -> int:
    source = entry.source
    try:
        return os.open(source.name, OPEN_FILE, dir_fd=source.directory)
    except OSError as error:
        why = f"the file cannot be read: {error.strerror}"
        raise LaminixError("cannot pack", why, source.path()) from None
