"""Entries: what a layer's tar holds, one a member, free of how it is written or where it came from."""

import os
from typing import NamedTuple

# Types, by their ustar typeflag (POSIX pax, "ustar Interchange Format").
FILE = b"0"
HARD_LINK = b"1"
SYMLINK = b"2"
CHARACTER_DEVICE = b"3"
BLOCK_DEVICE = b"4"
DIRECTORY = b"5"
FIFO = b"6"

# Names with a meaning of their own (image-spec layer.md, Whiteouts).
WHITEOUT_PREFIX = b".wh."
OPAQUE = b".wh..wh..opq"


class Owner(NamedTuple):
    """Whom an entry belongs to, by number and by name."""

    uid: int = 0
    gid: int = 0
    uname: bytes = b""
    gname: bytes = b""


class File(NamedTuple):
    """The content of a file on disk."""

    descriptor: int  # open, at its start
    directory: bytes  # where it is, for messages
    name: bytes

    def path(self) -> bytes:
        """The whole path."""
        return os.path.join(self.directory, self.name)


class Entry(NamedTuple):
    """One member of a layer."""

    path: bytes  # relative, bytes as they are, no slash at either end
    type: bytes  # one of the types above
    mode: int  # permission bits, setuid, setgid and sticky included
    owner: Owner = Owner()
    mtime: int = 1  # seconds since the epoch
    size: int = 0  # bytes of content; 0 for all but files
    link: bytes = b""  # what a symbolic or hard link points to, as it is written
    device: tuple[int, int] = (0, 0)  # major and minor, of devices
    xattrs: tuple[tuple[bytes, bytes], ...] = ()  # name and value, sorted by name
    source: File | None = None  # what has the content; good until the next entry is asked for


def is_whiteout(path: bytes) -> bool:
    """Return whether the entry at PATH is a whiteout or an opaque marker (image-spec layer.md, Whiteouts)."""
    return path.rpartition(b"/")[2].startswith(WHITEOUT_PREFIX)


def layer_order(path: bytes) -> tuple[bytes, ...]:
    """Return the sort key of PATH in a layer: depth first, names bytewise, whiteouts first in their directory."""
    # No name contains a zero byte, so this prefix sorts whiteouts before all other names.
    return tuple(b"\0" + name if name.startswith(WHITEOUT_PREFIX) else name for name in path.split(b"/"))
