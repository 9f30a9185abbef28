"""The files of a binary cache: in a directory, or on a server."""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from typing import Protocol

from laminix.errors import LaminixError
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.registry.connection import LARGEST_DOCUMENT
from laminix.registry.connection import WHAT as REGISTRY_FAILED
from laminix.registry.connection import Connections
from laminix.registry.resuming import body_from, range_from, resumed
from laminix.regular_file import open_regular_file

FAILED = "cache request failed"
ABSENT = (403, 404, 410)  # a bucket of S3 that cannot be listed answers 403


class CacheFiles(Protocol):
    """The files of a binary cache, by their names in it."""

    place: str  # as the user named it

    def read(self, name: str) -> bytes | None:
        """Return the document NAME, at most 4 MiB; None if absent."""

    def chunks(self, name: str, size: int | None) -> Iterator[bytes]:
        """Yield the file NAME, which has SIZE bytes if that is known. Raises LaminixError if it is absent."""

    def location(self, name: str) -> str:
        """Return the location of NAME, for messages."""


class DirectoryFiles:
    """The files of the cache in the directory ROOT, named PLACE."""

    def __init__(self, place: str, root: str):
        self.place = place
        self._root = root

    def read(self, name: str) -> bytes | None:
        """Return the document NAME, at most 4 MiB; None if absent."""
        try:
            with open_regular_file(self.location(name)) as file:
                data = file.read(LARGEST_DOCUMENT + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(data) > LARGEST_DOCUMENT:
            raise LaminixError(FAILED, f"the document has more than {LARGEST_DOCUMENT} bytes", self.location(name))
        return data

    def chunks(self, name: str, size: int | None) -> Iterator[bytes]:
        """Yield the file NAME. Raises LaminixError if it is absent."""
        try:
            file = open_regular_file(self.location(name))
        except OSError as error:
            raise LaminixError(FAILED, error.strerror or str(error), self.location(name)) from None
        with file:
            while chunk := file.read(CHUNK_SIZE):
                yield chunk

    def location(self, name: str) -> str:
        """Return the path of NAME."""
        return os.path.join(self._root, name)


class ServerFiles:
    """The files of the cache at the URL PLACE."""

    def __init__(self, place: str, connections: Connections):
        self.place = place
        self._connections = connections

    def read(self, name: str) -> bytes | None:
        """Return the document NAME, at most 4 MiB; None if absent."""
        with _failing_as_cache(), self._connections.open("GET", self.location(name)) as response:
            if response.status in ABSENT:
                return None
            if response.status != 200:
                raise LaminixError(FAILED, f"status {response.status}", self.location(name))
            return response.document()

    def chunks(self, name: str, size: int | None) -> Iterator[bytes]:
        """Yield the file NAME, which has SIZE bytes if that is known. Resumes after a lost connection."""
        with _failing_as_cache():
            yield from resumed(partial(self._chunks_from, name), size, self.location(name))

    def _chunks_from(self, name: str, position: int) -> Iterator[bytes]:
        url = self.location(name)
        with self._connections.open("GET", url, range_from(position), stream=True) as response:
            if response.status not in (200, 206):
                raise LaminixError(FAILED, f"status {response.status}", url)
            yield from body_from(response, position)

    def location(self, name: str) -> str:
        """Return the URL of NAME."""
        return f"{self.place}/{name}"


@contextlib.contextmanager
def _failing_as_cache() -> Iterator[None]:
    """Turn errors of connections, which speak of a registry, into errors of a cache."""
    try:
        yield
    except LaminixError as error:
        if error.what != REGISTRY_FAILED:
            raise
        raise LaminixError(FAILED, error.why, error.path) from None
