"""The tars that carry images: members as bytes, in the order they are asked for, written like layers."""

from collections.abc import Iterable, Iterator

from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry
from laminix.errors import LaminixError
from laminix.tar.writer import header, padding


def directory(name: str) -> bytes:
    """A directory."""
    return header(Entry(name.encode(), DIRECTORY, 0o755))


def document(name: str, data: bytes) -> bytes:
    """A file whose content is at hand."""
    return header(Entry(name.encode(), FILE, 0o644, size=len(data))) + data + padding(len(data))


def link(name: str, target: str) -> bytes:
    """A symbolic link."""
    return header(Entry(name.encode(), SYMLINK, 0o777, link=target.encode()))


def file(name: str, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A file of SIZE bytes, which are CHUNKS; raises LaminixError at the end if they are not so many."""
    yield header(Entry(name.encode(), FILE, 0o644, size=size))
    written = 0
    for chunk in chunks:
        written += len(chunk)
        yield chunk
    if written != size:
        raise LaminixError("cannot pack", f"found {written} bytes, expected {size}", name)
    yield padding(size)
