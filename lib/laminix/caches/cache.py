"""Where the NARs of store paths come from: binary caches, and directories of store paths."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from laminix.caches.files import CacheFiles
from laminix.caches.narinfo import NarInfo, name_of_narinfo, read_narinfo, store_directory_of
from laminix.compression.uncompress import uncompressed
from laminix.errors import LaminixError
from laminix.images.layer_bytes import digest_of_chunks
from laminix.parallel.consumer_thread import ConsumerThread
from laminix.store.nar import nar

BAD_NAR = "bad NAR"
CACHE_INFO = "nix-cache-info"


class Nar(Protocol):
    """The NAR of a store path."""

    place: str  # for messages
    size: int | None  # bytes; None if unknown

    def chunks(self) -> Iterator[bytes]:
        """Yield the NAR, not compressed. Raises LaminixError if it is not what its source has promised."""


class Cache(Protocol):
    """A source of NARs."""

    place: str  # as the user named it

    def find(self, store_path: str) -> Nar | None:
        """Return the NAR of STORE_PATH; None if it is not here."""


@dataclass(frozen=True)
class StoreDirectory:
    """A directory of store paths: the store of this machine, or of another root such as ``/mnt/nix/store``."""

    place: str

    def find(self, store_path: str) -> "PathNar | None":
        """Return the NAR of STORE_PATH; None if it is not here."""
        path = os.path.join(self.place, os.path.basename(store_path))
        return PathNar(path) if os.path.lexists(path) else None


@dataclass(frozen=True)
class PathNar:
    """The NAR of a path on this machine, made while it is read."""

    place: str
    size: int | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the NAR."""
        return nar(self.place)


class BinaryCache:
    """A binary cache of Nix. Raises LaminixError unless FILES have a ``nix-cache-info``."""

    def __init__(self, files: CacheFiles):
        self.place = files.place
        self._files = files
        data = files.read(CACHE_INFO)
        if data is None:
            raise LaminixError("bad cache", f"not a binary cache: it has no {CACHE_INFO}", self.place)
        self._store_directory = store_directory_of(data, files.location(CACHE_INFO))

    def find(self, store_path: str) -> "CachedNar | None":
        """Return the NAR of STORE_PATH; None if it is not here. Raises LaminixError for a wrong narinfo."""
        if os.path.dirname(store_path) != self._store_directory:
            return None
        name = name_of_narinfo(store_path)
        data = self._files.read(name)
        return (
            None if data is None else CachedNar(read_narinfo(data, store_path, self._files.location(name)), self._files)
        )


@dataclass(frozen=True)
class CachedNar:
    """A NAR in a binary cache, fetched while it is read."""

    info: NarInfo
    files: CacheFiles

    @property
    def place(self) -> str:
        """Return the location of the file, for messages."""
        return self.files.location(self.info.url)

    @property
    def size(self) -> int:
        """Return the size of the NAR in bytes."""
        return self.info.nar_size

    def chunks(self) -> Iterator[bytes]:
        """Yield the NAR, not compressed. Raises LaminixError at its end if a hash or a size differs from the narinfo."""
        info = self.info
        stored = self.files.chunks(info.url, info.file_size)
        if info.file_digest not in (None, info.nar_digest):
            stored = _checked(stored, info.file_digest, info.file_size, "compressed NAR", self.place)
        return _checked(uncompressed(stored, self.place), info.nar_digest, info.nar_size, "NAR", self.place)


def _checked(chunks: Iterator[bytes], digest: str, size: int | None, what: str, place: str) -> Iterator[bytes]:
    """Yield CHUNKS. Raises LaminixError unless they have DIGEST and SIZE, which is unknown if None."""
    found = 0
    with ConsumerThread(digest_of_chunks) as meter:
        for chunk in chunks:
            found += len(chunk)
            if size is not None and found > size:
                raise LaminixError(BAD_NAR, f"{what} has more than the {size} bytes that the narinfo says", place)
            meter.put(chunk)
            yield chunk
        if size not in (None, found):
            raise LaminixError(BAD_NAR, f"{what} has {found} bytes, the narinfo says {size}", place)
        if meter.result() != digest:
            raise LaminixError(BAD_NAR, f"hash of the {what} is {meter.result()}, the narinfo says {digest}", place)
