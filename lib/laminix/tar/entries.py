"""Entries: the members of a layer's tar, independent of their encoding and their sources."""

import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

# Types, by their ustar typeflag (POSIX pax, "ustar Interchange Format").
FILE = b"0"
HARD_LINK = b"1"
SYMLINK = b"2"
CHARACTER_DEVICE = b"3"
BLOCK_DEVICE = b"4"
DIRECTORY = b"5"
FIFO = b"6"

# Names with a special meaning (image-spec layer.md, Whiteouts).
WHITEOUT_PREFIX = b".wh."
OPAQUE = b".wh..wh..opq"

# The PAX comment of an explicit directory. Every tar reader ignores comments (POSIX pax, "pax Header Keywords"), and
# as part of the layer it survives registries, engines and conversions.
EXPLICIT = b"laminix: owner and mode are explicit"


class Owner(NamedTuple):
    """The owner and group of an entry, as IDs and as names."""

    uid: int = 0
    gid: int = 0
    uname: bytes = b""
    gname: bytes = b""


class Content(Protocol):
    """The content of a file, read once from its start to its end."""

    def read_into(self, buffers: Sequence[bytearray | memoryview]) -> int:
        """Read into BUFFERS, in order; return the number of bytes read, 0 at the end."""

    def path(self) -> bytes:
        """Return the path of the file, for messages."""


class File(NamedTuple):
    """The content of a file on disk."""

    descriptor: int  # open, positioned at the start
    directory: bytes  # path of its directory, for messages
    name: bytes

    def read_into(self, buffers: Sequence[bytearray | memoryview]) -> int:
        """Read into BUFFERS, in order; return the number of bytes read, 0 at the end."""
        return os.readv(self.descriptor, buffers)

    def path(self) -> bytes:
        """Return the complete path of the file."""
        return os.path.join(self.directory, self.name)


class Entry(NamedTuple):
    """One member of a layer."""

    path: bytes  # relative; neither starts nor ends with a slash
    type: bytes  # one of the types above
    mode: int  # permission bits, including setuid, setgid and sticky
    owner: Owner = Owner()
    mtime: int = 1  # seconds since the epoch
    size: int = 0  # bytes of content; 0 unless it is a file
    link: bytes = b""  # target of a symbolic or hard link, as written
    device: tuple[int, int] = (0, 0)  # major and minor number of a device
    xattrs: tuple[tuple[bytes, bytes], ...] = ()  # name and value, sorted by name
    source: Content | None = None  # the content; valid until the next entry is requested
    explicit: bool = False  # a directory whose owner or mode was set on purpose: it keeps them on a parent image


def is_whiteout(path: bytes) -> bool:
    """Return whether the entry at PATH is a whiteout or an opaque marker (image-spec layer.md, Whiteouts)."""
    return path.rpartition(b"/")[2].startswith(WHITEOUT_PREFIX)


def hidden_name(whiteout: bytes) -> bytes:
    """Return the name that the whiteout with the name WHITEOUT hides in its directory.

    Raises ValueError for ``.wh.``, ``.wh..`` and ``.wh...``, which would hide the directory itself or its parent; no
    engine unpacks them.
    """
    name = whiteout.removeprefix(WHITEOUT_PREFIX)
    if name in (b"", b".", b".."):
        raise ValueError("is a whiteout that hides no name in its directory; no engine unpacks it")
    return name


def layer_order(path: bytes) -> tuple[bytes, ...]:
    """Return the sort key of PATH in a layer: depth first, names bytewise, whiteouts first in their directory."""
    # No name contains a zero byte, so this prefix sorts whiteouts before all other names.
    return tuple(b"\0" + name if name.startswith(WHITEOUT_PREFIX) else name for name in path.split(b"/"))
