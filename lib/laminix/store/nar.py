"""Hashes of paths as Nix computes them: of a file, or of a Nix archive (NAR), a serialisation without times and owners."""

import base64
import hashlib
import os
import stat
from collections.abc import Iterator

from laminix.parallel.chunks import CHUNK_SIZE
from laminix.regular_file import open_regular_file


def nar_hash(path: str) -> str:
    """Return the SHA-256 hash of the NAR of PATH, written ``sha256-<base64>``, as Nix's ``hash`` attributes take it."""
    state = hashlib.sha256()
    for chunk in nar(path):
        state.update(chunk)
    return _sri(state)


def flat_hash(path: str) -> str:
    """Return the SHA-256 hash of the file PATH, written as by ``nar_hash``, for outputs whose hash mode is flat."""
    with open(path, "rb") as file:
        return _sri(hashlib.file_digest(file, "sha256"))


def nar(path: str) -> Iterator[bytes]:
    """Yield the NAR of PATH (Nix manual, Nix Archive Format): a regular file, symbolic link or directory."""
    yield _text(b"nix-archive-1")
    yield from _node(os.fsencode(path))


def _node(top: bytes) -> Iterator[bytes]:
    """Yield the node at TOP. No function recurses: a tree may have thousands of levels."""
    left: list[tuple[bytes, bytes | None]] = [(b"", top)]  # words, and the path of the node after them; last first
    while left:
        words, path = left.pop()
        yield words
        if path is None:
            continue
        status = os.lstat(path)
        yield _text(b"(") + _text(b"type")
        if not stat.S_ISDIR(status.st_mode):
            yield from _link(path) if stat.S_ISLNK(status.st_mode) else _regular(path, status)
            yield _text(b")")
            continue
        yield _text(b"directory")
        left.append((_text(b")"), None))
        for name in sorted(os.listdir(path), reverse=True):
            left += [(_text(b")"), None), (_entry(name), os.path.join(path, name))]


def _entry(name: bytes) -> bytes:
    """Return the words of a directory's entry before its node."""
    return b"".join(map(_text, (b"entry", b"(", b"name", name, b"node")))


def _link(path: bytes) -> Iterator[bytes]:
    yield _text(b"symlink") + _text(b"target") + _text(os.readlink(path))


def _regular(path: bytes, status: os.stat_result) -> Iterator[bytes]:
    yield _text(b"regular")
    if status.st_mode & stat.S_IXUSR:
        yield _text(b"executable") + _text(b"")
    yield _text(b"contents") + _length(status.st_size)
    with open_regular_file(path) as file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk
    yield bytes(-status.st_size % 8)


def _sri(state) -> str:
    return f"sha256-{base64.b64encode(state.digest()).decode()}"


def _text(data: bytes) -> bytes:
    return _length(len(data)) + data + bytes(-len(data) % 8)


def _length(number: int) -> bytes:
    return number.to_bytes(8, "little")
