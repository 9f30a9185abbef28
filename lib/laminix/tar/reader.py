"""Read tar archives: the entries of a layer, or the members of an image archive.

Reads v7, ustar, GNU and PAX headers, also mixed in one archive as in real layers (POSIX pax, "ustar Interchange
Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format"). An archive without an end marker, or with
half of one, is accepted, as by every container engine: old images have layers of 0 and of 512 bytes.

Where the formats leave a choice, or the engines depart from them, an archive is read as Go's archive/tar reads it,
which all engines use (../verify/README.md).
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import BinaryIO

from laminix.errors import LaminixError, shown
from laminix.tar.entries import (
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    DIRECTORY,
    EXPLICIT,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
    Owner,
)
from laminix.tar.fields import BadField, header_number, record_number, record_seconds

BLOCK = 512
CHUNK = 1 << 16  # bytes per read: enough for many small members, little waste before a large one
LARGEST_READ = 1 << 20  # bytes; limits memory, because the size in a header may be false
EXTENSION_LIMIT = 1 << 20  # bytes of a PAX header or long name; larger ones are damage or an attack
LONG_NAMES_LIMIT = 256 << 20  # bytes of all long names and links in an archive together, which callers may keep
LONGEST_PATH = 16 << 10  # bytes of a member's path; a kernel takes 4095 at once, layers of deep trees have more
LONGEST_LINK = 4095  # bytes of a symbolic link's target; the kernel takes no more (path_resolution(7))

USTAR, GNU = b"ustar\0", b"ustar  \0"  # magic; GNU's includes the version

# name; mode, uid, gid; size; mtime; checksum; type; link; magic, uname, gname; device; prefix; rest
HEADER = struct.Struct("100s24s12s12s8sc100s72s16s155s12s")

# Typeflags in addition to those in entries.py.
OLD_FILE = b"\0"
PAX, PAX_GLOBAL = b"x", b"g"
LONG_NAME, LONG_LINK, SPARSE = b"L", b"K", b"S"

EXTENSIONS = frozenset((PAX, PAX_GLOBAL, LONG_NAME, LONG_LINK))
WITHOUT_CONTENT = frozenset((HARD_LINK, SYMLINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO))
DEVICES = frozenset((CHARACTER_DEVICE, BLOCK_DEVICE))
XATTR = b"SCHILY.xattr."
TYPES = frozenset((FILE, *WITHOUT_CONTENT))
TEXTS = frozenset((b"path", b"linkpath", b"uname", b"gname"))  # records in which Go allows no zero byte
NO_RECORDS: Mapping[bytes, bytes] = MappingProxyType({})
Report = Callable[[str], None]  # takes a sentence about headers that tar readers read in different ways
TIMES_UNUSED = (b"atime", b"ctime")  # checked but not used: Go's archive/tar rejects an archive if they are invalid
COMMENT = b"comment"
KNOWN_RECORDS = frozenset(
    (b"path", b"linkpath", b"size", b"uid", b"gid", b"uname", b"gname", b"mtime", COMMENT, *TIMES_UNUSED)
)


def scan(
    file: BinaryIO, what: str = "bad tar archive", place: object = None, relative: bool = False
) -> Iterator[tuple[Entry, int]]:
    """Yield the entries of the archive in FILE, in its order, each with the offset of its content in bytes.

    FILE must be seekable; the caller may use it between entries. Contents are skipped, so the cost depends on the
    number of members and not on their sizes. Raises LaminixError (WHAT, …, PLACE) if the archive is damaged or
    truncated, and with RELATIVE also for an absolute name.
    """
    return _members(_Seekable(file), _Errors(what, place), relative_path if relative else member_path)


def read(
    stream: BinaryIO, what: str = "bad tar archive", place: object = None, report: Report | None = None
) -> Iterator[tuple[Entry, "Content"]]:
    """Yield the entries of the archive in STREAM, in its order, each with its content.

    A content can be read until the next entry is requested. STREAM is read in one pass without seeking, beyond the
    end marker to its end, so that a digest of the bytes is complete. Calls REPORT for headers that other readers read
    in another way. Raises LaminixError (WHAT, …, PLACE) if the archive is damaged or truncated.
    """
    window, errors = _Stream(stream), _Errors(what, place)
    for entry, offset in _members(window, errors, member_path, report):
        yield entry, Content(window, offset, entry, errors)
    window.drain()


def read_file(file: BinaryIO, what: str = "bad tar archive", place: object = None) -> Iterator[tuple[Entry, "Content"]]:
    """Yield the same as ``read`` from a seekable FILE. Contents that the caller does not read are skipped."""
    window, errors = _Seekable(file), _Errors(what, place)
    for entry, offset in _members(window, errors, member_path):
        yield entry, Content(window, offset, entry, errors)


class Content:
    """The content of one entry, readable like a file until the next entry is requested."""

    __slots__ = ("offset", "_window", "_left", "_entry", "_errors")

    def __init__(self, window: "_Seekable | _Stream", offset: int, entry: Entry, errors: "_Errors"):
        self.offset = offset  # offset in the archive of the next byte to read
        self._window = window
        self._left = entry.size
        self._entry = entry
        self._errors = errors

    def read(self, size: int = -1) -> bytes:
        """Return the next SIZE bytes, fewer at the end of the content; all remaining bytes if SIZE is negative."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._window.take(self.offset, wanted)
        if len(data) < wanted:
            raise self._errors.truncated(self._entry.path)
        self.offset += wanted
        self._left -= wanted
        return data


def member_path(name: bytes) -> bytes:
    """Return the path of an entry for NAME, the name of a member or the target of a hard link.

    The path neither starts nor ends with a slash; the root is the empty path. Raises ValueError if NAME contains
    ``..``.
    """
    # Fast path: few names contain any of these.
    if b"/." in name or b"//" in name or name[:1] in (b"/", b".") or name[-1:] == b"/":
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise ValueError(f"found name {shown(name)!r}, expected one without '..'")
        return b"/".join(parts)
    return name


def relative_path(name: bytes) -> bytes:
    """Return the same as ``member_path``. Raises ValueError also if NAME is absolute."""
    if name[:1] == b"/":
        raise ValueError(f"found absolute name {shown(name)!r}, expected a relative one")
    return member_path(name)


class _Errors:
    """Makes the errors of one archive, with its description and its path."""

    def __init__(self, what: str, place: object):
        self.what = what
        self.place = place

    def bad(self, why: str) -> LaminixError:
        return LaminixError(self.what, why, self.place)

    def truncated(self, path: bytes) -> LaminixError:
        return self.bad(f"archive is truncated: it ends within {shown(path)!r}")


class _Seekable:
    """A seekable file with one buffered window."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.limit = file.seek(0, 2)  # offset of the end
        self._start = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes:
        """Return SIZE bytes at OFFSET, fewer at the end."""
        at = offset - self._start
        if at < 0 or at + size > len(self._data):
            self._file.seek(offset)
            self._data = self._file.read(max(CHUNK, size))
            self._start, at = offset, 0
        return self._data[at : at + size]

    def end(self) -> int:
        """Return the offset of the end."""
        return self.limit


class _Stream:
    """A stream that cannot seek, with one buffered window that only moves forward."""

    limit = float("inf")  # the end is unknown until it has been read

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._start = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes:
        """Return SIZE bytes at OFFSET, fewer at the end. Discards the bytes before OFFSET."""
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
        """Return the offset of the end, after the end has been read."""
        return self._start + len(self._data)

    def drain(self) -> None:
        """Read the stream to its end."""
        while self._stream.read(CHUNK):
            pass


def _members(
    window: _Seekable | _Stream, errors: _Errors, path_of: Callable[[bytes], bytes], report: Report | None = None
) -> Iterator[tuple[Entry, int]]:
    """Yield each entry with the offset of its content. PATH_OF makes an entry's path from a member's name."""
    try:
        yield from _parse(window, errors, path_of, report)
    except ValueError as error:
        raise errors.bad(str(error)) from None


def _parse(
    window: _Seekable | _Stream, errors: _Errors, path_of: Callable[[bytes], bytes], report: Report | None
) -> Iterator[tuple[Entry, int]]:
    """Yield each entry with the offset of its content. This is the hot loop. Raises ValueError for an invalid field."""
    take, unpack, limit = window.take, HEADER.unpack, window.limit
    extensions = _Extensions(report)
    offset = content_end = 0
    while len(block := take(offset, BLOCK)) == BLOCK:
        fields = unpack(block)
        if not _checksum_matches(block, fields[4]):
            return _check_end(block, take(offset + BLOCK, BLOCK), offset)
        kind, content = fields[5], offset + BLOCK
        if kind in EXTENSIONS:
            size = _extension_size(fields)
            extensions.add(kind, take(content, size), size)
        else:
            entry = _entry(fields, extensions.take() if extensions.pending else NO_RECORDS, path_of)
            size = entry.size
            content_end = content + size
            if content_end > limit:
                raise errors.truncated(entry.path)
            yield entry, content
        offset = content + (size + 511 & -512)
    if window.end() < content_end or block.strip(b"\0") or extensions.unfinished():
        raise ValueError(f"archive is truncated: it ends after {window.end()} bytes, within a member")


def _checksum_matches(block: bytes, field: bytes) -> bool:
    """Return whether the header's checksum is the sum of its bytes, with blanks in place of the checksum itself.

    The lower 16 bits of Adler-32 are 1 plus that sum, modulo 65521. Adler-32 is faster than sum().
    """
    digits = field.strip(b" \0")
    if not digits or digits.strip(b"01234567"):  # int() would accept signs and underscores
        return False
    expected = int(digits, 8) + sum(field) - 8 * 32
    return (expected + 1) % 65521 == zlib.adler32(block) & 0xFFFF or _signed_checksum_matches(block, expected)


def _signed_checksum_matches(block: bytes, expected: int) -> bool:
    """Return whether EXPECTED is the sum of the bytes as signed numbers, as some old tars wrote it."""
    return sum(block) - 256 * sum(byte > 127 for byte in block) == expected


def _check_end(block: bytes, following: bytes, offset: int) -> None:
    """Raise ValueError unless BLOCK at OFFSET, which is not a header, ends the archive."""
    if block.strip(b"\0") and offset == 0:
        raise ValueError("not a tar archive: expected a header with a valid checksum at the start")
    if block.strip(b"\0"):
        raise ValueError(f"damaged: expected a header with a valid checksum at byte {offset}")
    if following.strip(b"\0"):
        raise ValueError(f"damaged: expected two zero blocks at byte {offset}, found one")


def _extension_size(fields: tuple[bytes, ...]) -> int:
    """Return the size of an extended header in bytes."""
    try:
        size = header_number("size", fields[2])
    except BadField as error:
        raise _member_error(fields[0].partition(b"\0")[0], error) from None
    if size > EXTENSION_LIMIT:
        raise ValueError(f"extended header is too large: {size} bytes (limit {EXTENSION_LIMIT})")
    return size


def _entry(fields: tuple[bytes, ...], records: Mapping[bytes, bytes], path_of: Callable[[bytes], bytes]) -> Entry:
    """Return the entry for the FIELDS of a header and the RECORDS of the extended headers before it."""
    name, numbers, size, mtime, _, kind, link, names, device, prefix, rest = fields
    path = name.partition(b"\0")[0]
    if prefix[0]:
        path = _prefixed(path, names[:8], prefix, rest)
    if b"path" in records:
        path = records[b"path"]
    if len(path) > LONGEST_PATH:
        raise ValueError(f"member name has {len(path)} bytes, expected at most {LONGEST_PATH}: {shown(path[:100])}…")
    if kind not in TYPES:
        kind = _type(kind, path)
    try:
        mode, owner = _mode_and_owner(numbers, names)
        size = header_number("size", size)
        entry = Entry(
            path_of(path),
            kind,
            mode,
            owner,
            header_number("mtime", mtime),
            0 if kind in WITHOUT_CONTENT else size,
            link.partition(b"\0")[0],
            _device(device) if kind in DEVICES else (0, 0),
        )
        if not entry.path and kind != DIRECTORY:
            raise ValueError(f"found {shown(path)!r} as the name of a member, expected a path")
        return _with_records(entry, records) if records else entry
    except BadField as error:
        raise _member_error(path, error) from None


def _device(numbers: bytes) -> tuple[int, int]:
    return header_number("device major number", numbers[:8]), header_number("device minor number", numbers[8:])


def _member_error(name: bytes, error: BadField) -> ValueError:
    return ValueError(f"{shown(name)!r}: {error}")


def _with_records(entry: Entry, records: Mapping[bytes, bytes]) -> Entry:
    """Return ENTRY with the values of RECORDS (POSIX pax, "pax Header Keywords"; star's SCHILY.xattr)."""
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise ValueError(f"{shown(entry.path)!r} is a sparse file of GNU tar, which is not supported")
    for key in TIMES_UNUSED:
        _seconds(records, key, 0)
    owner, get = entry.owner, records.get
    link = get(b"linkpath", entry.link)
    if entry.type == SYMLINK and len(link) > LONGEST_LINK:
        why = f"symbolic link has a target of {len(link)} bytes; expected at most {LONGEST_LINK}"
        raise ValueError(f"{shown(entry.path)!r}: {why}")
    return entry._replace(
        owner=Owner(
            _number(records, b"uid", owner.uid),
            _number(records, b"gid", owner.gid),
            get(b"uname", owner.uname),
            get(b"gname", owner.gname),
        ),
        mtime=_seconds(records, b"mtime", entry.mtime),
        size=0 if entry.type in WITHOUT_CONTENT else _number(records, b"size", entry.size),
        link=link,
        xattrs=_xattrs(records),
        explicit=entry.type == DIRECTORY and get(COMMENT) == EXPLICIT,
    )


def _xattrs(records: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(sorted((key[len(XATTR) :], records[key]) for key in records if key.startswith(XATTR)))


def _number(records: Mapping[bytes, bytes], key: bytes, default: int) -> int:
    return record_number(key.decode(), records[key]) if key in records else default


def _seconds(records: Mapping[bytes, bytes], key: bytes, default: int) -> int:
    return record_seconds(key.decode(), records[key]) if key in records else default


def _prefixed(path: bytes, magic: bytes, prefix: bytes, rest: bytes) -> bytes:
    """Return PATH below the header's PREFIX, or PATH itself in formats that have times in that field."""
    if magic[:6] == USTAR:
        # In star's variant of ustar, the last 24 bytes of the field are times.
        prefix = prefix[:131] if rest[-4:] == b"tar\0" else prefix
    elif magic != GNU or _has_times(prefix):
        return path
    name = prefix.partition(b"\0")[0]
    # Go's writer before 1.8 put names there in GNU's format; its reader still accepts them.
    return name + b"/" + path if magic != GNU or name.isascii() else path


def _has_times(prefix: bytes) -> bool:
    """Return whether PREFIX starts with two times, as in GNU's format (GNU tar manual, "Basic Tar Format")."""
    try:
        header_number("atime", prefix[:12])
        header_number("ctime", prefix[12:24])
    except BadField:
        return False
    return True


def _type(kind: bytes, path: bytes) -> bytes:
    """Return the type of entry for the typeflag KIND, which is not in entries.py."""
    if kind == OLD_FILE:
        return DIRECTORY if path.endswith(b"/") else FILE
    if kind == SPARSE:
        raise ValueError(f"{shown(path)!r} is a sparse file of old GNU tar, which is not supported")
    raise ValueError(f"{shown(path)!r} has type {shown(kind)!r}, which is not allowed in a layer")


@lru_cache(maxsize=4096)
def _mode_and_owner(numbers: bytes, names: bytes) -> tuple[int, Owner]:
    """Return mode and owner. NAMES is the header's magic and the two names after it."""
    uname, gname = b"", b""
    if names.startswith(b"ustar"):  # ustar and GNU; v7 has no names
        uname, gname = names[8:40].partition(b"\0")[0], names[40:].partition(b"\0")[0]
    uid, gid = header_number("uid", numbers[8:16]), header_number("gid", numbers[16:])
    owner = Owner(uid, gid, uname, gname)
    return header_number("mode", numbers[:8]) & 0o7777, owner  # old tars wrote the file type as part of the mode


class _Extensions:
    """Records of the extended headers for the next member.

    As in Go, a second PAX header replaces the first, GNU's long name wins over a PAX path, and a global header is
    ignored but drops the records before it.
    """

    def __init__(self, report: Report | None):
        self._report = report
        self._long: dict[bytes, bytes] = {}
        self._local: dict[bytes, bytes] = {}
        self._names_left = LONG_NAMES_LIMIT
        self.pending = False  # whether there are records for the next member

    def add(self, kind: bytes, data: bytes, size: int) -> None:
        """Add an extended header of typeflag KIND. DATA is shorter than SIZE if the archive is truncated."""
        if len(data) < size:
            raise ValueError("archive is truncated: it ends within an extended header")
        if kind in (LONG_NAME, LONG_LINK):
            self._long[b"path" if kind == LONG_NAME else b"linkpath"] = data.partition(b"\0")[0]
        else:
            self._add_records(kind, _records(data))
        self.pending = bool(self._long or self._local)

    def _add_records(self, kind: bytes, records: dict[bytes, bytes]) -> None:
        if kind == PAX:
            if self._local:
                self._tell("a member has two PAX headers; engines read the second only")
            self._local = records
            return
        if records.keys() - {COMMENT}:
            self._tell("a global PAX header has records for members; engines ignore them, other readers do not")
        if self.pending:
            self._tell("a global PAX header follows the extended header of a member; engines drop the latter")
        self._long, self._local = {}, {}

    def _tell(self, what: str) -> None:
        if self._report is not None:
            self._report(what)

    def take(self) -> dict[bytes, bytes]:
        """Return the records for the next member and forget them. An empty value deletes a record."""
        if self._long.keys() & self._local.keys():
            self._tell("a member has both GNU's long name and a PAX path; engines read the former")
        records = {**self._local, **self._long}
        self._long, self._local, self.pending = {}, {}, False
        self._names_left -= len(records.get(b"path", b"")) + len(records.get(b"linkpath", b""))
        if self._names_left < 0:
            raise ValueError(f"found more than {LONG_NAMES_LIMIT} bytes of long names and links in total")
        return {key: value for key, value in records.items() if value}

    def unfinished(self) -> bool:
        """Return whether there are records for a member that did not follow."""
        return bool(self._long or self._local)


def _records(data: bytes) -> dict[bytes, bytes]:
    """Return the supported records of a PAX header, a sequence of "LENGTH KEYWORD=VALUE\\n"."""
    records, at = {}, 0
    while at < len(data):
        length = data[at : at + 20].partition(b" ")[0]
        end = at + (int(length) if length.isdigit() else 0)
        key, equals, value = data[at + len(length) + 1 : end - 1].partition(b"=")
        if not key or not equals or data[end - 1 : end] != b"\n":
            raise ValueError("damaged: expected records LENGTH KEYWORD=VALUE in a PAX header")
        if b"\0" in (value if key in TEXTS else key):
            raise ValueError(f"damaged: found a zero byte in the PAX record {shown(key[:40])!r}")
        if key in KNOWN_RECORDS or key.startswith((XATTR, b"GNU.sparse.")):
            records[key] = value
        at = end
    return records
