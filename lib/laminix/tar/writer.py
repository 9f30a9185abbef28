"""Entries to tar bytes: POSIX ustar, with a PAX header only for what ustar cannot say.

This is the one place that knows the format's rules (POSIX.1-2017 pax, "ustar Interchange Format" and
"pax Extended Header"); which entries there are, and in what order, is the caller's business.
"""

from functools import lru_cache
from typing import NamedTuple
from zlib import adler32

from laminix.tar.entries import DIRECTORY, Entry, Owner

BLOCK = 512
END = bytes(2 * BLOCK)  # two zero blocks end an archive, no more

LARGEST_ID = 0o7777777
LARGEST_NUMBER = 0o77777777777  # of size and mtime: a byte less than 8 GiB
LONGEST_NAME = 100
LONGEST_PREFIX = 155
LONGEST_OWNER_NAME = 31

PAX_HEADER = b"x"


def header(entry: Entry) -> bytes:
    """What stands before the entry's content: one block, or three and more where it needs PAX records."""
    path, type, mode, owner, mtime, size, link, device, xattrs, _ = entry
    name = path + b"/" if type == DIRECTORY else path
    # The common case at a glance; everything rare goes the long way.
    if len(name) <= LONGEST_NAME and len(link) <= LONGEST_NAME and size <= LARGEST_NUMBER and not xattrs:
        common = _common(type, mode, owner, mtime, device)
        if common is not None:
            return _block(name, size, link, b"", common)
    return _long_header(name, entry)


def padding(size: int) -> bytes:
    """The zeros that fill up the last block of a content of SIZE bytes."""
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
    """The ustar prefix and name, split at the last slash that fits; (b"", None) where none does."""
    if len(name) <= LONGEST_NAME:
        return b"", name
    # A slash at the very end names a directory and is no place to split: the rest may not be empty.
    slash = name.rfind(b"/", 1, min(LONGEST_PREFIX + 1, len(name) - 1))
    if slash == -1 or len(name) - slash - 1 > LONGEST_NAME:
        return b"", None
    return name[:slash], name[slash + 1 :]


def _records(long_name: bytes, entry: Entry) -> list[tuple[bytes, bytes]]:
    """The PAX records that the entry needs, in a fixed order."""
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
    ]
    xattrs = [(b"SCHILY.xattr." + name, value) for name, value in sorted(entry.xattrs)]
    return [(key, value) for key, value, needed in candidates if needed] + xattrs


def _pax(name: bytes, records: list[tuple[bytes, bytes]]) -> bytes:
    """A PAX header of these records: its own block and the blocks of its content."""
    content = b"".join(_record(key, value) for key, value in records)
    # The name is for programs that know no PAX and write the records to a file.
    label = b"PaxHeaders/" + name.rstrip(b"/").rpartition(b"/")[2][: LONGEST_NAME - 11]
    common = _common(PAX_HEADER, 0o644, Owner(), 1, (0, 0))
    return _block(label, len(content), b"", b"", common) + content + padding(len(content))


def _record(key: bytes, value: bytes) -> bytes:
    """LENGTH KEY=VALUE, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


class _Common(NamedTuple):
    """What equals between most headers, in order of its place, and its part of the checksum."""

    ids: bytes  # mode, uid, gid
    time: bytes  # with the byte that ends the size before it
    type: bytes  # with the byte that ends the checksum before it
    rest: bytes  # magic, owner's names, device
    checksum: int


def _block(name: bytes, size: int, link: bytes, prefix: bytes, common: _Common) -> bytes:
    """The header block; every field has to fit."""
    ids, time, type, rest, checksum = common
    digits = b"%011o" % size
    # The lower half of this is the sum of the bytes and 1, modulo a number that they cannot reach: eight
    # times as fast as sum().
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
    """The fields that are neither name, size nor link; None where ustar cannot say them.

    Kept, since a layer has few combinations and formatting them is half of a header's time.
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
