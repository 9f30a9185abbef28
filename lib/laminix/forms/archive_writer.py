"""The members of image archives as bytes, in the tar format that layers have."""

from collections.abc import Iterable, Iterator

from laminix.errors import LaminixError
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry
from laminix.tar.writer import header, padding


def directory(name: str) -> bytes:
    """Return the member for a directory."""
    return header(Entry(name.encode(), DIRECTORY, 0o755))


def document(name: str, data: bytes) -> bytes:
    """Return the member for a file with the content DATA."""
    return header(Entry(name.encode(), FILE, 0o644, size=len(data))) + data + padding(len(data))


def link(name: str, target: str) -> bytes:
    """Return the member for a symbolic link."""
    return header(Entry(name.encode(), SYMLINK, 0o777, link=target.encode()))


def file(name: str, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the member for a file whose content is CHUNKS. Raises LaminixError if they are not SIZE bytes together."""
    yield header(Entry(name.encode(), FILE, 0o644, size=size))
    written = 0
    for chunk in chunks:
        written += len(chunk)
        yield chunk
    if written != size:
        raise LaminixError("cannot pack", f"found {written} bytes, expected {size}", name)
    yield padding(size)
