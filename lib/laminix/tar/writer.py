"""Encode entries as tar bytes: POSIX ustar, with a PAX header only for values that ustar cannot hold.

The formats are in POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header". The caller chooses the
entries and their order.
"""

from functools import lru_cache
from typing import NamedTuple
from zlib import adler32

from laminix.tar.entries import DIRECTORY, EXPLICIT, Entry, Owner

BLOCK = 512
END = bytes(2 * BLOCK)  # the end of an archive: two zero blocks

LARGEST_ID = 0o7777777
LARGEST_NUMBER = 0o77777777777  # limit of size and mtime: 8 GiB less one byte
LONGEST_NAME = 100
LONGEST_PREFIX = 155
LONGEST_OWNER_NAME = 31

PAX_HEADER = b"x"


def header(entry: Entry) -> bytes:
    """Return the header of ENTRY: one block, or at least three blocks if it needs PAX records."""
    path, type, mode, owner, mtime, size, link, device, xattrs, _, explicit = entry
    name = path + b"/" if type == DIRECTORY else path
    # Fast path for the common case.
    fits = len(name) <= LONGEST_NAME and len(link) <= LONGEST_NAME and size <= LARGEST_NUMBER
    if fits and not xattrs and not explicit:
        common = _common(type, mode, owner, mtime, device)
        if common is not None:
            return _block(name, size, link, b"", common)
    return _long_header(name, entry)


def padding(size: int) -> bytes:
    """Return the zeros that fill the last block after SIZE bytes of content."""
    return bytes(-size % BLOCK)


def _long_header(name: bytes, entry: Entry) -> bytes:
    prefix, rest = split(name)
    records = _records(name if rest is None else b"", entry)
    owner = Owner(
        entry.owner.uid if entry.owner.uid <= LARGEST_ID else 0,
        entry.owner.gid if entry.owner.gid <= LARGEST_ID else 0,
        entry.owner.uname[:LONGEST_OWNER_NAME],
        entry.owner.gname[:LONGEST_OWNER_NAME],
    )
    size = entry.size if entry.size <= LARGEST_NUMBER else 0
    mtime = entry.mtime if 0 <= entry.mtime <= LARGEST_NUMBER else 0
    common = _common(entry.type, entry.mode, owner, mtime, entry.device)
    block = _block(name[:LONGEST_NAME] if rest is None else rest, size, entry.link[:LONGEST_NAME], prefix, common)
    return _pax(name, records) + block if records else block


def split(name: bytes) -> tuple[bytes, bytes | None]:
    """Return the ustar prefix and name of NAME, split at the last slash that fits; (b"", None) if none fits."""
    if len(name) <= LONGEST_NAME:
        return b"", name
    # The slash at the end of a directory's name is no place to split: the name field must not be empty.
    slash = name.rfind(b"/", 1, min(LONGEST_PREFIX + 1, len(name) - 1))
    if slash == -1 or len(name) - slash - 1 > LONGEST_NAME:
        return b"", None
    return name[:slash], name[slash + 1 :]


def _records(long_name: bytes, entry: Entry) -> list[tuple[bytes, bytes]]:
    """Return the PAX records that ENTRY needs, in a fixed order."""
    owner = entry.owner
    candidates = [
        (b"path", long_name, bool(long_name)),
        (b"linkpath", entry.link, len(entry.link) > LONGEST_NAME),
        (b"size", b"%d" % entry.size, entry.size > LARGEST_NUMBER),
        (b"uid", b"%d" % owner.uid, owner.uid > LARGEST_ID),
        (b"gid", b"%d" % owner.gid, owner.gid > LARGEST_ID),
        (b"uname", owner.uname, len(owner.uname) > LONGEST_OWNER_NAME),
        (b"gname", owner.gname, len(owner.gname) > LONGEST_OWNER_NAME),
        (b"mtime", b"%d" % entry.mtime, not 0 <= entry.mtime <= LARGEST_NUMBER),
        (b"comment", EXPLICIT, entry.explicit),
    ]
    xattrs = [(b"SCHILY.xattr." + name, value) for name, value in sorted(entry.xattrs)]
    return [(key, value) for key, value, needed in candidates if needed] + xattrs


def _pax(name: bytes, records: list[tuple[bytes, bytes]]) -> bytes:
    """Return a PAX header with RECORDS: a header block and the blocks of its content."""
    content = b"".join(_record(key, value) for key, value in records)
    # Programs without support for PAX extract the records to a file of this name.
    label = b"PaxHeaders/" + name.rstrip(b"/").rpartition(b"/")[2][: LONGEST_NAME - 11]
    common = _common(PAX_HEADER, 0o644, Owner(), 1, (0, 0))
    return _block(label, len(content), b"", b"", common) + content + padding(len(content))


def _record(key: bytes, value: bytes) -> bytes:
    """Return the record ``LENGTH KEY=VALUE``. LENGTH includes its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


class _Common(NamedTuple):
    """The header fields that are the same in most entries, in order of position, and their checksum."""

    ids: bytes  # mode, uid, gid
    time: bytes  # mtime, preceded by the terminator of the size
    type: bytes  # preceded by the terminator of the checksum
    rest: bytes  # magic, owner and group names, device
    checksum: int  # sum of these bytes and of the blanks in place of the checksum


def _block(name: bytes, size: int, link: bytes, prefix: bytes, common: _Common) -> bytes:
    """Return the header block. Every argument must fit into its field."""
    ids, time, type, rest, checksum = common
    digits = b"%011o" % size
    # The lower 16 bits of Adler-32 are 1 plus the sum of the bytes modulo 65521, which this sum never reaches.
    # adler32() is eight times as fast as sum().
    checksum += (adler32(name + digits + link) & 0xFFFF) - 1
    if prefix:
        checksum += sum(prefix)
    return b"%b%b%b%b%06o%b%b%b%b" % (
        name.ljust(100, b"\0"),
        ids,
        digits,
        time,
        checksum,
        type,
        link.ljust(100, b"\0"),
        rest,
        prefix.ljust(167, b"\0"),
    )


@lru_cache(maxsize=1024)
def _common(type: bytes, mode: int, owner: Owner, mtime: int, device: tuple[int, int]) -> _Common | None:
    """Return all fields but name, size and link; None if a value does not fit into ustar.

    The results are cached: a layer has few combinations, and formatting them takes half the time of a header.
    """
    if not (
        owner.uid <= LARGEST_ID
        and owner.gid <= LARGEST_ID
        and len(owner.uname) <= LONGEST_OWNER_NAME
        and len(owner.gname) <= LONGEST_OWNER_NAME
        and 0 <= mtime <= LARGEST_NUMBER
    ):
        return None
    ids = b"%07o\0%07o\0%07o\0" % (mode, owner.uid, owner.gid)
    time = b"\0%011o\0" % mtime
    names = owner.uname.ljust(32, b"\0") + owner.gname.ljust(32, b"\0")
    rest = b"ustar\x0000" + names + b"%07o\0%07o\0" % device
    # The checksum counts its own eight bytes as blanks.
    checksum = sum(ids) + sum(time) + sum(type) + sum(rest) + 8 * ord(" ")
    return _Common(ids, time, b"\0 " + type, rest, checksum)
