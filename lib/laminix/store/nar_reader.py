"""Read a Nix archive (NAR), the serialisation of a store path, as a stream (Nix manual, Nix Archive Format).

A NAR comes from a binary cache, which is not trusted. Its names are those of one directory each, in strictly
increasing byte order: the order of a layer.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from laminix.errors import LaminixError, shown

WHAT = "bad NAR"
MAGIC = b"nix-archive-1"
LONGEST_WORD = 16  # bytes of a keyword
LONGEST_NAME = 255  # bytes; the kernel takes no more (path_resolution(7))
LONGEST_LINK = 4095  # bytes of a symbolic link's target; likewise
LONGEST_PATH = 16 << 10  # bytes of a path in a NAR; as in a tar that is read
LARGEST_FILE = (1 << 63) - 1  # bytes
CASE_HACK = b"~nix~case~hack~"  # Nix adds it to names on a file system that ignores case; it never leaves that machine
WHITEOUT_PREFIX = b".wh."  # reserved in layers

DIRECTORY, REGULAR, SYMLINK = b"directory", b"regular", b"symlink"


class NarNode(NamedTuple):
    """A file, link or directory in a NAR."""

    path: bytes  # relative to the store path, which itself has the path b""
    type: bytes  # DIRECTORY, REGULAR or SYMLINK
    executable: bool = False
    size: int = 0  # bytes of content
    target: bytes = b""  # of a link
    content: "NarContent | None" = None  # of a file; valid until the next node is requested


def nar_nodes(chunks: Iterable[bytes], place: str, size: int | None = None) -> Iterator[NarNode]:
    """Yield the nodes of the NAR in CHUNKS: depth first, a directory before its contents, names in byte order.

    SIZE is the number of bytes that the NAR is said to have, if that is known: a longer file is refused before it is
    read. Memory holds one chunk. Raises LaminixError, naming PLACE, for everything that Nix does not write.
    """
    stream = _Stream(chunks, place, LARGEST_FILE if size is None else size)
    stream.expect(MAGIC, b"(", b"type")
    levels: list[_Level] = []  # the directories from the store path to the current one
    path: bytes | None = b""
    while path is not None:
        node = _node(stream, path)
        yield node
        if node.type == DIRECTORY:
            levels.append(_Level(path))
        else:
            if node.content is not None:
                node.content.skip()
            stream.expect(b")")
            if levels:
                stream.expect(b")")
        path = _next_path(stream, levels)
    stream.expect_end()


class _Level:
    """A directory that is being read."""

    def __init__(self, path: bytes):
        self.prefix = path + b"/" if path else b""
        self.last = b""  # the name before


def _node(stream: "_Stream", path: bytes) -> NarNode:
    """Return the node at PATH, whose word ``type`` has been read."""
    type = stream.word()
    if type == DIRECTORY:
        return NarNode(path, DIRECTORY)
    if type == SYMLINK:
        stream.expect(b"target")
        target = stream.text(LONGEST_LINK, "target of a symbolic link")
        if not target or b"\0" in target:
            raise stream.error(f"symbolic link {shown(path)!r} has the target {shown(target)!r}")
        return NarNode(path, SYMLINK, target=target)
    if type != REGULAR:
        raise stream.error(f"found the type {shown(type)!r}, expected directory, regular or symlink")
    word = stream.word()
    executable = word == b"executable"
    if executable:
        stream.expect(b"")
        word = stream.word()
    if word != b"contents":
        raise stream.error(f"found {shown(word)!r}, expected the contents of file {shown(path)!r}")
    size = stream.content_size(path)
    return NarNode(path, REGULAR, executable, size, content=NarContent(stream, path, size))


def _next_path(stream: "_Stream", levels: list[_Level]) -> bytes | None:
    """Return the path of the next node after leaving the directories of LEVELS that end here; None at the end."""
    while levels:
        word = stream.word()
        if word == b"entry":
            return _entry_path(stream, levels[-1])
        if word != b")":
            raise stream.error(f"found {shown(word)!r} in a directory, expected an entry or its end")
        levels.pop()
        if levels:
            stream.expect(b")")
    return None


def _entry_path(stream: "_Stream", level: _Level) -> bytes:
    stream.expect(b"(", b"name")
    name = stream.text(LONGEST_NAME, "name")
    path = level.prefix + name
    why = _why_refused(name, level.last)
    if why is not None:
        raise stream.error(f"name {shown(name)!r} {why}")
    if len(path) > LONGEST_PATH:
        raise stream.error(f"path has {len(path)} bytes, expected at most {LONGEST_PATH}: {shown(path[:100])}…")
    level.last = name
    stream.expect(b"node", b"(", b"type")
    return path


def _why_refused(name: bytes, last: bytes) -> str | None:
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        return "is not the name of a file in a directory"
    if name.startswith(WHITEOUT_PREFIX):
        return "starts with '.wh.', which is reserved for whiteouts"
    if CASE_HACK in name:
        return "was made for a file system that ignores case"
    if name == last:
        return "is there twice"
    if name < last:
        return f"comes after {shown(last)!r}, expected names in byte order"
    return None


class NarContent:
    """The content of a file in a NAR."""

    def __init__(self, stream: "_Stream", path: bytes, size: int):
        self._stream = stream
        self._path = path
        self._left = size
        self._padding = -size % 8

    def read_into(self, buffers: Sequence[bytearray | memoryview]) -> int:
        """Read into the first of BUFFERS; return the number of bytes read, 0 at the end of the file."""
        if not self._left:
            return 0
        part = self._stream.part(self._left)
        count = min(len(part), len(buffers[0]))
        buffers[0][:count] = part[:count]
        self._stream.advance(count)
        self._left -= count
        return count

    def path(self) -> bytes:
        """Return the path of the file in the NAR, for messages."""
        return self._path

    def skip(self) -> None:
        """Read what is left, and the padding behind it."""
        while self._left:
            count = len(self._stream.part(self._left))
            self._stream.advance(count)
            self._left -= count
        self._stream.expect_zeros(self._padding)


class _Stream:
    """The bytes of a NAR, taken word by word."""

    def __init__(self, chunks: Iterable[bytes], place: str, size: int):
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self._place = place
        self._left = size  # bytes that may still come

    def error(self, why: str) -> LaminixError:
        """Return the error for a NAR that is wrong because of WHY."""
        return LaminixError(WHAT, why, self._place)

    def part(self, limit: int) -> memoryview:
        """Return bytes that come next, at least one and at most LIMIT, without taking them."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise self.error("it ends early")
            self._rest = memoryview(chunk)
        return self._rest[:limit]

    def advance(self, count: int) -> None:
        """Take COUNT of the bytes that ``part`` returned."""
        self._rest = self._rest[count:]
        self._left -= count

    def take(self, count: int) -> bytes:
        """Return the next COUNT bytes, which are few."""
        data = b""
        while len(data) < count:
            part = self.part(count - len(data))
            data += part
            self.advance(len(part))
        return data

    def length(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def text(self, longest: int, what: str) -> bytes:
        """Return the next string of at most LONGEST bytes. WHAT names it in messages."""
        length = self.length()
        if length > longest:
            raise self.error(f"{what} has {length} bytes, expected at most {longest}")
        data = self.take(length)
        self.expect_zeros(-length % 8)
        return data

    def word(self) -> bytes:
        """Return the next string, a keyword."""
        return self.text(LONGEST_WORD, "keyword")

    def expect(self, *words: bytes) -> None:
        """Take WORDS. Raises LaminixError for any others."""
        for expected in words:
            found = self.word()
            if found != expected:
                raise self.error(f"found {shown(found)!r}, expected {shown(expected)!r}")

    def content_size(self, path: bytes) -> int:
        """Return the size of the file at PATH, whose content comes next."""
        size = self.length()
        if size > self._left:
            raise self.error(f"file {shown(path)!r} has {size} bytes, but at most {self._left} are left of the NAR")
        return size

    def expect_zeros(self, count: int) -> None:
        """Take COUNT bytes of padding."""
        if any(self.take(count)):
            raise self.error("found padding that is not zero")

    def expect_end(self) -> None:
        """Raises LaminixError if there are more bytes."""
        if self._rest or any(self._chunks):
            raise self.error("found bytes after the end")
