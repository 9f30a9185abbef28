"""Tar archives, read: the entries of a layer, the members of an image archive.

Reads v7, ustar, GNU and PAX headers, and mixtures of them, as real layers hold them (POSIX pax, "ustar
Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format").  An archive
without any end marker, or with half of one, is read as every container engine reads it: old images
hold layers of 0 and of 512 bytes.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import BinaryIO

from laminix.tar.entries import (
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
    Owner,
)
from laminix.tar.fields import BadField, header_number, record_number, record_seconds
from laminix.errors import LaminixError, shown

BLOCK = 512
CHUNK = 1 << 16  # bytes fetched at once: many small members, and little waste before a large one
LARGEST_READ = 1 << 20  # bytes asked of a stream at once: the size of a member may be a lie
EXTENSION_LIMIT = 1 << 20  # bytes of a PAX header or long name; more is garbage or an attack

# name; mode, uid, gid; size; mtime; checksum; type; link; magic, uname, gname; device; prefix; rest
HEADER = struct.Struct("100s24s12s12s8sc100s72s16s155s12s")

# Typeflags beside those that entries.py names.
OLD_FILE, CONTIGUOUS_FILE = b"\0", b"7"
PAX, PAX_GLOBAL, PAX_SOLARIS = b"x", b"g", b"X"
LONG_NAME, LONG_LINK, SPARSE = b"L", b"K", b"S"

EXTENSIONS = frozenset((PAX, PAX_SOLARIS, PAX_GLOBAL, LONG_NAME, LONG_LINK))
WITHOUT_CONTENT = frozenset((HARD_LINK, SYMLINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO))
DEVICES = frozenset((CHARACTER_DEVICE, BLOCK_DEVICE))
XATTR = b"SCHILY.xattr."
TYPES = frozenset((FILE, *WITHOUT_CONTENT))
NO_RECORDS: Mapping[bytes, bytes] = MappingProxyType({})
TIMES_UNUSED = (b"atime", b"ctime")  # of no use here, but Go's archive/tar refuses an archive for them
KNOWN_RECORDS = frozenset((b"path", b"linkpath", b"size", b"uid", b"gid", b"uname", b"gname", b"mtime", *TIMES_UNUSED))


def scan(
    file: BinaryIO, what: str = "bad tar archive", place: object = None, relative: bool = False
) -> Iterator[tuple[Entry, int]]:
    """The entries of the archive in FILE, in its order, each with the offset of its content in bytes.

    FILE is seekable, and may be used by others between two entries: contents are jumped over, so the
    cost is in members, not bytes.  Raises LaminixError (WHAT, …, PLACE) for what is no whole archive, and
    where names have to be RELATIVE, for one that is not.
    """
    return _members(_Seekable(file), _Errors(what, place), relative_path if relative else member_path)


def read(
    stream: BinaryIO, what: str = "bad tar archive", place: object = None
) -> Iterator[tuple[Entry, "Content"]]:
    """The entries of the archive in STREAM, in its order, each with its content, readable until the next.

    One pass without a seek; STREAM is read to its very end, behind the end marker too, so a digest
    taken of its bytes is whole.  Raises LaminixError (WHAT, …, PLACE) for what is no whole archive.
    """
    window, errors = _Stream(stream), _Errors(what, place)
    for entry, offset in _members(window, errors, member_path):
        yield entry, Content(window, offset, entry, errors)
    window.drain()


def read_file(
    file: BinaryIO, what: str = "bad tar archive", place: object = None
) -> Iterator[tuple[Entry, "Content"]]:
    """As ``read``, of a seekable FILE: contents that nobody reads are jumped over."""
    window, errors = _Seekable(file), _Errors(what, place)
    for entry, offset in _members(window, errors, member_path):
        yield entry, Content(window, offset, entry, errors)


class Content:
    """The content of one entry: a file to read from, while its entry is the latest."""

    __slots__ = ("offset", "_window", "_left", "_entry", "_errors")

    def __init__(self, window: "_Seekable | _Stream", offset: int, entry: Entry, errors: "_Errors"):
        self.offset = offset  # in the archive, of the byte to be read next
        self._window = window
        self._left = entry.size
        self._entry = entry
        self._errors = errors

    def read(self, size: int = -1) -> bytes:
        """The next SIZE bytes (all that are left where negative), fewer only at the end."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._window.take(self.offset, wanted)
        if len(data) < wanted:
            raise self._errors.truncated(self._entry.path)
        self.offset += wanted
        self._left -= wanted
        return data


def member_path(name: bytes) -> bytes:
    """NAME, a member's or a hard link's target, as an entry's path: relative, no slash at either end.

    The root is the empty path.  Raises ValueError for a name that climbs (``..``).
    """
    # A leading "." or "/" is one of four signs that there may be something to do; hardly any name has one.
    if b"/." in name or b"//" in name or name[:1] in (b"/", b".") or name[-1:] == b"/":
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise ValueError(f"the member name {shown(name)!r} climbs with '..'")
        return b"/".join(parts)
    return name


def relative_path(name: bytes) -> bytes:
    """As ``member_path``; raises ValueError for an absolute name too."""
    if name[:1] == b"/":
        raise ValueError(f"the member name {shown(name)!r} is absolute")
    return member_path(name)


class _Errors:
    """The errors of one archive: what it is called and where it lies."""

    def __init__(self, what: str, place: object):
        self.what = what
        self.place = place

    def bad(self, why: str) -> LaminixError:
        return LaminixError(self.what, why, self.place)

    def truncated(self, path: bytes) -> LaminixError:
        return self.bad(f"it ends within {shown(path)!r}; it is truncated")


class _Seekable:
    """A seekable file, seen through a window that moves."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.limit = file.seek(0, 2)  # where the file ends
        self._start = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes:
        """The SIZE bytes at OFFSET, fewer at the end."""
        at = offset - self._start
        if at < 0 or at + size > len(self._data):
            self._file.seek(offset)
            self._data = self._file.read(max(CHUNK, size))
            self._start, at = offset, 0
        return self._data[at : at + size]

    def end(self) -> int:
        """Where the file ends."""
        return self.limit


class _Stream:
    """A file that cannot seek, seen through a window that moves forward."""

    limit = float("inf")  # where it ends is known only once it has ended

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._start = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes:
        """The SIZE bytes at OFFSET, fewer at the end; what lies before OFFSET is gone from then on."""
        at = offset - self._start
        if at + size > len(self._data):
            self._skip_to(offset)
            self._fill(size)
            at = offset - self._start
        return self._data[at : at + size]

    def _skip_to(self, offset: int) -> None:
        while self._start + len(self._data) < offset:
            self._start += len(self._data)
            self._data = self._stream.read(CHUNK)
            if not self._data:
                return
        self._data = self._data[offset - self._start :]
        self._start = offset

    def _fill(self, size: int) -> None:
        parts, missing = [self._data], size - len(self._data)
        while missing > 0:
            data = self._stream.read(max(min(missing, LARGEST_READ), CHUNK))
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        self._data = b"".join(parts)

    def end(self) -> int:
        """Where the stream has ended, once it has."""
        return self._start + len(self._data)

    def drain(self) -> None:
        """Read the rest."""
        while self._stream.read(CHUNK):
            pass


def _members(
    window: _Seekable | _Stream, errors: _Errors, named: Callable[[bytes], bytes]
) -> Iterator[tuple[Entry, int]]:
    try:
        yield from _parsed(window, errors, named)
    except ValueError as error:
        raise errors.bad(str(error)) from None


def _parsed(
    window: _Seekable | _Stream, errors: _Errors, named: Callable[[bytes], bytes]
) -> Iterator[tuple[Entry, int]]:
    """The hot loop, a header a turn.  What it calls raises ValueError for a field that makes no sense."""
    take, unpack, limit = window.take, HEADER.unpack, window.limit
    extensions = _Extensions()
    offset = content_end = 0
    while len(block := take(offset, BLOCK)) == BLOCK:
        fields = unpack(block)
        if not _sums_up(block, fields[4]):
            return _check_end(block, take(offset + BLOCK, BLOCK), offset)
        kind, content = fields[5], offset + BLOCK
        if kind in EXTENSIONS:
            size = _extension_size(fields)
            extensions.add(kind, take(content, size), size)
        else:
            entry = _entry(fields, extensions.taken() if extensions.wait else NO_RECORDS, named)
            size = entry.size
            content_end = content + size
            if content_end > limit:
                raise errors.truncated(entry.path)
            yield entry, content
        offset = content + (size + 511 & -512)
    if window.end() < content_end or block.strip(b"\0") or extensions.unfinished():
        raise ValueError(f"it ends after {window.end()} bytes, within a member; it is truncated")


def _sums_up(block: bytes, field: bytes) -> bool:
    """Whether the header's checksum fits: the sum of its bytes, with blanks for the checksum itself.

    Adler-32's lower half is one more than that sum, modulo 65521, at C speed.
    """
    digits = field.strip(b" \0")
    if not digits or digits.strip(b"01234567"):  # int() would accept signs and underscores
        return False
    expected = int(digits, 8) + sum(field) - 8 * 32
    return (expected + 1) % 65521 == zlib.adler32(block) & 0xFFFF or _sums_up_signed(block, expected)


def _sums_up_signed(block: bytes, expected: int) -> bool:
    """Whether it fits the sum of signed bytes, which some old tars wrote."""
    return sum(block) - 256 * sum(byte > 127 for byte in block) == expected


def _check_end(block: bytes, following: bytes, offset: int) -> None:
    """Raises ValueError unless BLOCK at OFFSET, which is no header, ends the archive."""
    if block.strip(b"\0") and offset == 0:
        raise ValueError("not a tar archive: it starts with no header whose checksum fits")
    if block.strip(b"\0"):
        raise ValueError(f"damaged: no header whose checksum fits at byte {offset}")
    if following.strip(b"\0"):
        raise ValueError(f"damaged: one block of zeros at byte {offset}, and more behind it")


def _extension_size(fields: tuple[bytes, ...]) -> int:
    """The size of an extended header in bytes."""
    try:
        size = header_number("size", fields[2])
    except BadField as error:
        raise _of_member(fields[0].partition(b"\0")[0], error) from None
    if size > EXTENSION_LIMIT:
        raise ValueError(f"an extended header has {size} bytes; at most {EXTENSION_LIMIT} are read")
    return size


def _entry(
    fields: tuple[bytes, ...], records: Mapping[bytes, bytes], named: Callable[[bytes], bytes]
) -> Entry:
    """The entry that a header and the RECORDS before it describe."""
    name, numbers, size, mtime, _, kind, link, names, device, prefix, rest = fields
    path = name.partition(b"\0")[0]
    if prefix[0] and names[:6] == b"ustar\0":
        path = _prefix(prefix, rest) + b"/" + path
    if b"path" in records:
        path = records[b"path"]
    if kind not in TYPES:
        kind = _type(kind, path)
    try:
        mode, owner = _mode_and_owner(numbers, names)
        size = header_number("size", size)
        entry = Entry(
            named(path),
            kind,
            mode,
            owner,
            header_number("mtime", mtime),
            0 if kind in WITHOUT_CONTENT else size,
            link.partition(b"\0")[0],
            _device(device) if kind in DEVICES else (0, 0),
        )
        if not entry.path and kind != DIRECTORY:
            raise ValueError(f"a member without a name (written {shown(path)!r})")
        return _amended(entry, records) if records else entry
    except BadField as error:
        raise _of_member(path, error) from None


def _device(numbers: bytes) -> tuple[int, int]:
    return header_number("device major number", numbers[:8]), header_number("device minor number", numbers[8:])


def _of_member(name: bytes, error: BadField) -> ValueError:
    return ValueError(f"{shown(name)!r}: {error}")


def _amended(entry: Entry, records: Mapping[bytes, bytes]) -> Entry:
    """ENTRY with what RECORDS say of it (POSIX pax, "pax Header Keywords"; star's SCHILY.xattr)."""
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise ValueError(f"{shown(entry.path)!r} is a sparse member of GNU tar, which is not read")
    for key in TIMES_UNUSED:
        _seconds(records, key, 0)
    owner, get = entry.owner, records.get
    return entry._replace(
        owner=Owner(
            _number(records, b"uid", owner.uid),
            _number(records, b"gid", owner.gid),
            get(b"uname", owner.uname),
            get(b"gname", owner.gname),
        ),
        mtime=_seconds(records, b"mtime", entry.mtime),
        size=0 if entry.type in WITHOUT_CONTENT else _number(records, b"size", entry.size),
        link=get(b"linkpath", entry.link),
        xattrs=_xattrs(records),
    )


def _xattrs(records: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(sorted((key[len(XATTR) :], records[key]) for key in records if key.startswith(XATTR)))


def _number(records: Mapping[bytes, bytes], key: bytes, default: int) -> int:
    return record_number(key.decode(), records[key]) if key in records else default


def _seconds(records: Mapping[bytes, bytes], key: bytes, default: int) -> int:
    return record_seconds(key.decode(), records[key]) if key in records else default


def _prefix(prefix: bytes, rest: bytes) -> bytes:
    """The ustar prefix; star's own variant of ustar keeps times in its last 24 bytes."""
    return (prefix[:131] if rest[-4:] == b"tar\0" else prefix).partition(b"\0")[0]


def _type(kind: bytes, path: bytes) -> bytes:
    """The type of entry that a typeflag outside entries.py stands for."""
    if kind == OLD_FILE:
        return DIRECTORY if path.endswith(b"/") else FILE
    if kind == CONTIGUOUS_FILE:
        return FILE
    if kind == SPARSE:
        raise ValueError(f"{shown(path)!r} is a sparse member of old GNU tar, which is not read")
    raise ValueError(f"{shown(path)!r} is of type {shown(kind)!r}, which no layer may hold")


@lru_cache(maxsize=4096)
def _mode_and_owner(numbers: bytes, names: bytes) -> tuple[int, Owner]:
    """Mode and owner, from the header's three numbers and its magic with the two names behind it."""
    uname, gname = b"", b""
    if names.startswith(b"ustar"):  # ustar and GNU; v7 has no names
        uname, gname = names[8:40].partition(b"\0")[0], names[40:].partition(b"\0")[0]
    uid, gid = header_number("uid", numbers[8:16]), header_number("gid", numbers[16:])
    owner = Owner(uid, gid, uname, gname)
    return header_number("mode", numbers[:8]) & 0o7777, owner  # old tars put the file's type into the mode


class _Extensions:
    """What extended headers say of the member to come, and global ones of all that follow."""

    def __init__(self):
        self._global: dict[bytes, bytes] = {}
        self._long: dict[bytes, bytes] = {}
        self._local: dict[bytes, bytes] = {}
        self.wait = False  # whether the next member has anything from here

    def add(self, kind: bytes, data: bytes, size: int) -> None:
        """Take in an extended header of typeflag KIND; DATA is shorter than SIZE where the archive ends."""
        if len(data) < size:
            raise ValueError("it ends within an extended header; it is truncated")
        if kind == PAX_GLOBAL:
            self._global.update(_records(data))
        elif kind in (LONG_NAME, LONG_LINK):
            self._long[b"path" if kind == LONG_NAME else b"linkpath"] = data.partition(b"\0")[0]
        else:
            self._local.update(_records(data))
        self.wait = bool(self._global or self._long or self._local)

    def taken(self) -> dict[bytes, bytes]:
        """The records for the member at hand; an empty value undoes a record."""
        records = {**self._global, **self._long, **self._local}
        self._long, self._local = {}, {}
        self.wait = bool(self._global)
        return {key: value for key, value in records.items() if value}

    def unfinished(self) -> bool:
        """Whether a member was announced that never came."""
        return bool(self._long or self._local)


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records of a PAX header that anyone here reads ("LENGTH KEYWORD=VALUE\\n", one after another)."""
    records, at = {}, 0
    while at < len(data):
        length = data[at : at + 20].partition(b" ")[0]
        end = at + (int(length) if length.isdigit() else 0)
        key, equals, value = data[at + len(length) + 1 : end - 1].partition(b"=")
        if not equals or data[end - 1 : end] != b"\n":
            raise ValueError("damaged: a PAX header with a record that is no LENGTH KEYWORD=VALUE")
        if key in KNOWN_RECORDS or key.startswith((XATTR, b"GNU.sparse.")):
            records[key] = value
        at = end
    return records
