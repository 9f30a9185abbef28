"""Named members of an image, with the same interface for a directory and an archive.

Members can be read in any order. An archive's headers are read once, when it is opened, without reading contents.
"""

import io
import os
import re
import select
import stat
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.directory_trees import walk
from laminix.errors import LaminixError, shown
from laminix.nix_store import lies_in_store
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.regular_file import kind_of, open_regular_file
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, SYMLINK
from laminix.tar.reader import scan
from laminix.write_errors import temporary_write_errors

BAD_IMAGE = "bad image"
# TRANSPORT:PATH[:TAG] (containers-transports(5)).
SKOPEO_NOTATION = re.compile(r"(?:oci|oci-archive|docker-archive|dir):(.+?)(?::([^/:]+))?")
MAX_LINK_HOPS = 40  # links from one member to another, the kernel's limit
MAX_DOCUMENT_SIZE = 4 << 20  # bytes of a JSON document: what containers/image allows
MAX_DOCUMENTS_READ = 256 << 20  # bytes of all documents that are read, each as often as it is read
MAX_SPOOLED = 64 << 30  # bytes of an archive that is compressed or comes from a pipe, in a temporary file


def open_members(path: str, **registry: str | bool | None) -> "Members":
    """Return the members of the directory, archive (``-``: on standard input) or docker:// image at PATH.

    REGISTRY is from ``forms.registry_options``. Raises LaminixError if PATH is none of these.
    """
    if os.fspath(path).startswith("docker://"):
        from laminix.registry.members import open_registry  # takes 40 ms, and most images are files

        return open_registry(path, os.environ, **registry)
    if path == "-":
        return ArchiveMembers(_seekable(open(0, "rb", buffering=0, closefd=False), "-"), "-")
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise LaminixError(BAD_IMAGE, _why_missing(path), path) from None
    if os.path.isdir(path):
        return DirectoryMembers(path)
    if not os.path.isfile(path):
        why = f"found {kind_of(os.stat(path).st_mode)}, expected a file or a directory; use '-' to read from a pipe"
        raise LaminixError(BAD_IMAGE, why, path)
    return ArchiveMembers(_seekable(open_regular_file(path), path), path)


def _why_missing(path: str) -> str:
    """Return what is wrong with a PATH at which nothing is."""
    if os.path.islink(path):
        return f"dangling link: it leads to {shown(os.readlink(path))}, which does not exist"
    if match := SKOPEO_NOTATION.fullmatch(path):
        choice = f" --image {match[2]}" if match[2] else ""
        return f"no such file or directory; this looks like skopeo's notation, expected {shown(match[1])}{choice}"
    return "no such file or directory"


class DirectoryMembers:
    """The regular files in a directory, named by their paths relative to it.

    A symbolic link that points outside the directory is an error. With ALLOW_STORE_LINKS it may point into the
    Nix store.
    """

    def __init__(self, place: str, allow_store_links: bool = False, documents: "_Documents | None" = None):
        self.place = place
        self._documents = documents or _Documents()
        self._root = os.path.realpath(place)
        self._allow_store_links = allow_store_links
        self._checked_paths: set[str] = set()  # paths whose links have been checked, because that is slow

    def blobs(self) -> "DirectoryMembers":
        """Return the members for reading blobs, whose links may point into the Nix store.

        The caller must check everything it reads against a digest.
        """
        return DirectoryMembers(self.place, allow_store_links=True, documents=self._documents)

    def names(self) -> Iterator[str]:
        """Yield the names of all members that are not directories, without following links to directories."""
        for entry in walk(os.fsencode(self.place)):
            if not os.path.isdir(entry.path):  # False for a link in a loop
                yield os.fsdecode(os.path.relpath(entry.path, os.fsencode(self.place)))

    def has(self, name: str) -> bool:
        """Return whether NAME is a file or a link to one."""
        return self.file(name) is not None

    def read(self, name: str) -> bytes:
        """Return the content of the document NAME. Raises LaminixError if it is missing or too large."""
        with self.open(name) as file:
            self._documents.add(os.fstat(file.fileno()).st_size, self.location(name))
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """Return the content of NAME as a file at its start. Raises LaminixError if it is missing."""
        return open_regular_file(self._existing(name))

    def size(self, name: str) -> int:
        """Return the size of NAME in bytes. Raises LaminixError if it is missing."""
        return os.stat(self._existing(name)).st_size

    def content_id(self, name: str) -> tuple[int, int]:
        """Return what is equal for names of the same file. Raises LaminixError if NAME is missing."""
        status = os.stat(self._existing(name))
        return status.st_dev, status.st_ino

    def location(self, name: str) -> str:
        """Return the location of NAME for messages."""
        return os.path.join(self.place, name)

    def file(self, name: str) -> str | None:
        """Return the path of NAME; None if it is missing or a directory.

        Raises LaminixError for a link that points outside, and for a FIFO, socket or device.
        """
        path = os.path.join(self.place, _checked_name(name, self.place))
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise LaminixError(BAD_IMAGE, f"{name!r} is {kind_of(mode)}, expected a regular file", self.place)
        if path not in self._checked_paths:
            self._check_target(name, path)
            self._checked_paths.add(path)
        return path

    def _check_target(self, name: str, path: str) -> None:
        real = os.path.realpath(path)
        if real.startswith(os.path.join(self._root, "")) or (self._allow_store_links and lies_in_store(real)):
            return
        allowed = "the image directory" + " or the Nix store" * self._allow_store_links
        why = f"link {name!r} points to {shown(real)!r}, expected a target in {allowed}; replace the link with a copy"
        raise LaminixError(BAD_IMAGE, why, self.place)

    def _existing(self, name: str) -> str:
        path = self.file(name)
        if path is None:
            raise missing_member(name, self.place)
        return path


class ArchiveMembers:
    """The files in a tar archive, by their names. Links to other members are followed."""

    def __init__(self, file: BinaryIO, place: str):
        self.place = place
        self._file = file
        self._documents = _Documents()
        self._members: dict[bytes, _Member] = {}
        self.repeated: dict[str, None] = {}  # names that several members have, each once; the last member counts
        for entry, offset in scan(file, BAD_IMAGE, place, relative=True):
            if entry.path in self._members and entry.type != DIRECTORY:
                self.repeated[shown(entry.path)] = None
            self._members[entry.path] = _Member(entry.type, offset, entry.size, entry.link)

    def blobs(self) -> "ArchiveMembers":
        """Return the members for reading blobs: here the same, because no link points outside an archive."""
        return self

    def names(self) -> Iterator[str]:
        """Yield the names of all members that are not directories."""
        return (os.fsdecode(path) for path, member in self._members.items() if member.type != DIRECTORY)

    def has(self, name: str) -> bool:
        """Return whether NAME is a file or a link to one."""
        return self._find(name) is not None

    def read(self, name: str) -> bytes:
        """Return the content of the document NAME. Raises LaminixError if it is missing or too large."""
        member = self._existing(name)
        self._documents.add(member.size, self.location(name))
        return self._section(member).readall()

    def open(self, name: str) -> BinaryIO:
        """Return the content of NAME as a file at its start. Raises LaminixError if it is missing."""
        return self._section(self._existing(name))

    def size(self, name: str) -> int:
        """Return the size of NAME in bytes. Raises LaminixError if it is missing."""
        return self._existing(name).size

    def content_id(self, name: str) -> tuple[int, int]:
        """Return what is equal for names of the same member. Raises LaminixError if NAME is missing."""
        member = self._existing(name)
        return member.offset, member.size

    def location(self, name: str) -> str:
        """Return the location of NAME for messages."""
        return f"{self.place}!{name}"

    def file(self, name: str) -> None:
        """Return None: a member of an archive has no path of its own."""

    def _section(self, member: "_Member") -> "_Section":
        return _Section(self._file, member.offset, member.size)

    def _existing(self, name: str) -> "_Member":
        member = self._find(name)
        if member is None:
            raise missing_member(name, self.place)
        return member

    def _find(self, name: str) -> "_Member | None":
        """Return the file NAME, following links; None if it or a link's target is missing or not a file."""
        path = _checked_name(name, self.place).encode("utf-8", "surrogatepass")
        for _ in range(MAX_LINK_HOPS):
            member = self._members.get(path)
            if member is None or member.type == FILE:
                return member
            if member.type not in (SYMLINK, HARD_LINK):
                return None
            path = self._target(path, member)
        raise LaminixError(BAD_IMAGE, f"link loop: {name!r} leads to more than {MAX_LINK_HOPS} links", self.place)

    def _target(self, path: bytes, member: "_Member") -> bytes:
        """Return the target of the link at PATH; a hard link's target is relative to the archive's root."""
        base = os.path.dirname(path) if member.type == SYMLINK else b""
        target = os.path.normpath(os.path.join(base, member.link))
        if target.startswith((b"/", b"../")) or target == b"..":
            why = f"link {shown(path)!r} points outside the archive: {shown(member.link)!r}"
            raise LaminixError(BAD_IMAGE, why, self.place)
        return target


Members = DirectoryMembers | ArchiveMembers


class _Member(NamedTuple):
    type: bytes
    offset: int  # of its content, in bytes
    size: int  # of its content
    link: bytes


class _Section(io.RawIOBase):
    """A part of a file as a file with a position of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int):
        self._file = file  # referenced, so that it stays open
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


def missing_member(name: str, place: str) -> LaminixError:
    """Return the error for a member NAME that PLACE lacks."""
    return LaminixError(BAD_IMAGE, f"member {name!r} is missing", place)


def _checked_name(name: str, place: str) -> str:
    """Return NAME normalized. Raises LaminixError if it points outside; names come from untrusted documents."""
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise LaminixError(BAD_IMAGE, f"path {name!r} points outside the image", place)
    return os.path.normpath(name)


class _Documents:
    """How much of an image's documents may still be read."""

    def __init__(self):
        self._left = MAX_DOCUMENTS_READ

    def add(self, size: int, location: str) -> None:
        """Count one that is about to be read. Raises LaminixError if it, or the total, is too large."""
        if size > MAX_DOCUMENT_SIZE:
            why = f"document is too large: {size} bytes (limit {MAX_DOCUMENT_SIZE})"
            raise LaminixError(BAD_IMAGE, why, location)
        self._left -= size
        if self._left < 0:
            why = f"documents are too large in total (limit {MAX_DOCUMENTS_READ} bytes)"
            raise LaminixError(BAD_IMAGE, why, location)


def _seekable(file: BinaryIO, place: str) -> BinaryIO:
    """Return FILE if it is regular and uncompressed, else a temporary file with its uncompressed content."""
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        start = os.pread(file.fileno(), LONGEST_MAGIC, 0)
        if not start:
            raise LaminixError(BAD_IMAGE, "file is empty", place)
        if compression_of(start) == "none":
            return file
    return _spooled(uncompressed(_chunks(file), place), place)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of the unbuffered FILE, which may be non-blocking, as standard input sometimes is."""
    while (chunk := file.read(CHUNK_SIZE)) != b"":
        if chunk is None:
            select.select([file], [], [])
        else:
            yield chunk


def _spooled(chunks: Iterator[bytes], place: str) -> BinaryIO:
    """Return a temporary file that contains CHUNKS."""
    import tempfile  # only compressed archives and pipes need it

    spool = tempfile.TemporaryFile(buffering=0)
    left = MAX_SPOOLED
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            why = f"archive is too large: more than {MAX_SPOOLED} bytes; write it to a file and uncompress it first"
            raise LaminixError(BAD_IMAGE, why, place)
        view = memoryview(chunk)
        with temporary_write_errors():
            while view:
                view = view[spool.write(view) :]
    if not spool.tell():
        raise LaminixError(BAD_IMAGE, "file is empty", place)
    return spool
