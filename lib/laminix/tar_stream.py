"""Entries to one stream of tar bytes, the contents of files read from disk on the way."""

import os
from collections.abc import Iterable, Iterator

from laminix.entries import Entry
from laminix.errors import LaminixError
from laminix.tar_writer import END, header, padding

# Headers and small files are gathered to pieces of about this size, so that hashing and writing cost a
# call a megabyte and not a call a file.
PIECE = 1 << 20
# A file of at least this size is passed on as it is read, since joining it to others would copy it.
LARGE = 256 << 10


def tar_stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The tar of ENTRIES, complete with its end, in pieces of a megabyte or so.

    Raises LaminixError for a file that cannot be read or has another size than its entry says.
    """
    parts: list[bytes] = []
    gathered = 0
    for entry in entries:
        parts.append(header(entry))
        gathered += len(parts[-1])
        if entry.size >= LARGE:
            yield b"".join(parts)
            yield from _large_file(entry)
            parts, gathered = [padding(entry.size)], 0
        elif entry.size or entry.source is not None:
            parts.append(_small_file(entry))
            parts.append(padding(entry.size))
            gathered += entry.size
        if gathered >= PIECE:
            yield b"".join(parts)
            parts, gathered = [], 0
    parts.append(END)
    yield b"".join(parts)


def _small_file(entry: Entry) -> bytes:
    descriptor = _open(entry)
    try:
        # One byte more than there should be, to see a file that has grown.
        content = os.read(descriptor, entry.size + 1)
    finally:
        os.close(descriptor)
    if len(content) != entry.size:
        raise _changed(entry)
    return content


def _large_file(entry: Entry) -> Iterator[bytes]:
    descriptor = _open(entry)
    try:
        left = entry.size
        while left:
            piece = os.read(descriptor, min(PIECE, left))
            if not piece:
                raise _changed(entry)
            left -= len(piece)
            yield piece
        if os.read(descriptor, 1):
            raise _changed(entry)
    finally:
        os.close(descriptor)


def _open(entry: Entry) -> int:
    try:
        return os.open(entry.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise LaminixError("cannot pack", f"the file cannot be read: {error.strerror}", entry.source) from None


def _changed(entry: Entry) -> LaminixError:
    return LaminixError(
        "cannot pack", f"the file changed while it was read: it had {entry.size} bytes at first", entry.source
    )
