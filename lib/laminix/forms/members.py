"""Named members of a directory or of an archive, read alike, in any order.

An archive is scanned once, header by header: what that costs depends on its members, not on its bytes.
"""

import io
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, SYMLINK
from laminix.errors import LaminixError, shown
from laminix.regular_file import kind_of, open_regular_file
from laminix.nix_store import lies_in_store
from laminix.tar.reader import scan
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.parallel.chunks import CHUNK_SIZE

BAD_IMAGE = "bad image"
MAX_LINK_HOPS = 40  # links to links, as the kernel counts them
MAX_DOCUMENT_SIZE = 64 << 20  # bytes of a JSON document; more is garbage or an attack


def open_members(path: str) -> "Members":
    """The members of the directory or archive at PATH; ``-`` is an archive on standard input.

    Raises LaminixError where there is neither.
    """
    if path == "-":
        return ArchiveMembers(_seekable(open(0, "rb", buffering=0, closefd=False), "-"), "-")
    if not os.path.exists(path):
        raise LaminixError(BAD_IMAGE, "no such file or directory", path)
    if os.path.isdir(path):
        return DirectoryMembers(path)
    if not os.path.isfile(path):
        raise LaminixError(BAD_IMAGE, "neither a file nor a directory; '-' reads an archive from a pipe", path)
    return ArchiveMembers(_seekable(open_regular_file(path), path), path)


class DirectoryMembers:
    """Regular files in a directory, by their names relative to it.

    A symbolic link that leads out of the directory is an error.  With TO_STORE it may lead into the Nix store.
    """

    def __init__(self, place: str, to_store: bool = False):
        self.place = place
        self._root = os.path.realpath(place)
        self._to_store = to_store
        self._within: set[str] = set()  # paths whose links were followed already, which takes a while

    def blobs(self) -> "DirectoryMembers":
        """The same members, for a reader that checks each against a digest: links may lead into the store."""
        return DirectoryMembers(self.place, to_store=True)

    def names(self) -> Iterator[str]:
        """The names of all that is no directory, nor behind a link to one."""
        for directory, _, files in os.walk(self.place):
            for name in files:
                yield os.path.relpath(os.path.join(directory, name), self.place)

    def has(self, name: str) -> bool:
        """Whether there is a file NAME."""
        return self.file(name) is not None

    def read(self, name: str) -> bytes:
        """The content of the document NAME."""
        with self.open(name) as file:
            _check_document_size(os.fstat(file.fileno()).st_size, self.location(name))
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """NAME's content, to be read from its start."""
        return open_regular_file(self._existing(name))

    def size(self, name: str) -> int:
        """How many bytes NAME has."""
        return os.stat(self._existing(name)).st_size

    def location(self, name: str) -> str:
        """Where NAME is, for people."""
        return os.path.join(self.place, name)

    def file(self, name: str) -> str | None:
        """The path of the file that is NAME, None where there is none or a directory.

        Raises LaminixError for a link that leads out, and for what is no regular file.
        """
        path = os.path.join(self.place, _checked(name, self.place))
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise LaminixError(BAD_IMAGE, f"{name!r} is {kind_of(mode)}, expected a regular file", self.place)
        if path not in self._within:
            self._check_target(name, path)
            self._within.add(path)
        return path

    def _check_target(self, name: str, path: str) -> None:
        real = os.path.realpath(path)
        if real.startswith(os.path.join(self._root, "")) or (self._to_store and lies_in_store(real)):
            return
        allowed = "within the image directory" + " or into the Nix store" * self._to_store
        why = f"{name!r} is a link to {shown(real)!r}, expected a link {allowed}; put a copy in its place"
        raise LaminixError(BAD_IMAGE, why, self.place)

    def _existing(self, name: str) -> str:
        path = self.file(name)
        if path is None:
            raise missing(name, self.place)
        return path


class ArchiveMembers:
    """Members of a tar archive, by their names; links to other members are followed."""

    def __init__(self, file: BinaryIO, place: str):
        self.place = place
        self._file = file
        self._members: dict[bytes, _Member] = {}
        for entry, offset in scan(file, BAD_IMAGE, place, relative=True):
            self._members[entry.path] = _Member(entry.type, offset, entry.size, entry.link)

    def blobs(self) -> "ArchiveMembers":
        """The same members: no link leads out of an archive."""
        return self

    def names(self) -> Iterator[str]:
        """The names of all members but directories."""
        return (os.fsdecode(path) for path, member in self._members.items() if member.type != DIRECTORY)

    def has(self, name: str) -> bool:
        """Whether there is a member NAME that is a file, or leads to one."""
        return self._find(name) is not None

    def read(self, name: str) -> bytes:
        """The content of the document NAME."""
        member = self._existing(name)
        _check_document_size(member.size, self.location(name))
        return self._section(member).readall()

    def open(self, name: str) -> BinaryIO:
        """NAME's content, to be read from its start."""
        return self._section(self._existing(name))

    def size(self, name: str) -> int:
        """How many bytes NAME has."""
        return self._existing(name).size

    def location(self, name: str) -> str:
        """Where NAME is, for people."""
        return f"{self.place}!{name}"

    def file(self, name: str) -> None:
        """None: no file is a member and nothing else."""

    def _section(self, member: "_Member") -> "_Section":
        return _Section(self._file, member.offset, member.size)

    def _existing(self, name: str) -> "_Member":
        member = self._find(name)
        if member is None:
            raise missing(name, self.place)
        return member

    def _find(self, name: str) -> "_Member | None":
        """The file that NAME is or leads to; None where a name is missing."""
        path = _checked(name, self.place).encode("utf-8", "surrogatepass")
        for _ in range(MAX_LINK_HOPS):
            member = self._members.get(path)
            if member is None or member.type == FILE:
                return member
            if member.type not in (SYMLINK, HARD_LINK):
                return None
            path = self._target(path, member)
        raise LaminixError(BAD_IMAGE, f"the links from {name!r} lead nowhere, in a circle", self.place)

    def _target(self, path: bytes, member: "_Member") -> bytes:
        """The member that a link at PATH points to; a hard link's target is counted from the root."""
        base = os.path.dirname(path) if member.type == SYMLINK else b""
        target = os.path.normpath(os.path.join(base, member.link))
        if target.startswith((b"/", b"../")) or target == b"..":
            why = f"{shown(path)!r} is a link out of the archive, to {shown(member.link)!r}"
            raise LaminixError(BAD_IMAGE, why, self.place)
        return target


Members = DirectoryMembers | ArchiveMembers


class _Member(NamedTuple):
    type: bytes
    offset: int  # of its content, in bytes
    size: int  # of its content
    link: bytes


class _Section(io.RawIOBase):
    """Part of a file, read independently of all other readers of it."""

    def __init__(self, file: BinaryIO, start: int, size: int):
        self._file = file  # held, so that it stays open
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        wanted = left if size < 0 else min(size, left)
        data = os.pread(self._file.fileno(), wanted, self._start + self._position)
        self._position += len(data)
        return data

    def readinto(self, buffer) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def missing(name: str, place: str) -> LaminixError:
    """The error that PLACE has no member NAME; for the caller to raise."""
    return LaminixError(BAD_IMAGE, f"{name!r} is missing in it", place)


def _checked(name: str, place: str) -> str:
    """NAME, if it stays within; a document may name anything."""
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise LaminixError(BAD_IMAGE, f"it names {name!r}, which is outside", place)
    return os.path.normpath(name)


def _check_document_size(size: int, location: str) -> None:
    if size > MAX_DOCUMENT_SIZE:
        why = f"this document has {size} bytes; at most {MAX_DOCUMENT_SIZE} are read"
        raise LaminixError(BAD_IMAGE, why, location)


def _seekable(file: BinaryIO, place: str) -> BinaryIO:
    """FILE if it is a plain file, else a temporary one with all of its plain bytes."""
    start = b""
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        start = os.pread(file.fileno(), LONGEST_MAGIC, 0)
        if not start:
            raise LaminixError(BAD_IMAGE, "it is empty", place)
        if compression_of(start) == "none":
            return file
    return _spooled(uncompressed(iter(lambda: file.read(CHUNK_SIZE), b""), place), place)


def _spooled(chunks: Iterator[bytes], place: str) -> BinaryIO:
    import tempfile  # only compressed archives and pipes need it

    spool = tempfile.TemporaryFile(buffering=0)
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            view = view[spool.write(view) :]
    if not spool.tell():
        raise LaminixError(BAD_IMAGE, "it is empty", place)
    return spool
