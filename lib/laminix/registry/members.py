"""An image in a registry, with the interface of the members of a directory or an archive.

The members are ``manifest``, the manifest or index at the address, ``manifests/DIGEST`` and ``blobs/DIGEST``. Each is
fetched when it is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from laminix.errors import LaminixError
from laminix.parallel.chunk_reader import ChunkReader
from laminix.registry.address import Address, parse_address
from laminix.registry.client import Document, Repository, connect
from laminix.registry.connection import Access

WHAT = "bad image"
TOP = "manifest"


class RegistryMembers:
    """The documents and blobs of the image at ADDRESS. TOP is its manifest or index, if it has been fetched."""

    def __init__(self, address: Address, repository: Repository, top: Document | None = None):
        self.address = address
        self.repository = repository
        self.place = str(address)
        self._top = top

    @property
    def top(self) -> Document:
        """Return the manifest or index at the address. Raises LaminixError if there is none."""
        if self._top is None:
            self._top = self.repository.manifest(self.address.manifest)
        if self._top is None:
            raise LaminixError(WHAT, "the registry has no such image", self.place)
        return self._top

    def names(self) -> Iterator[str]:
        """Yield nothing: the other contents of the registry do not belong to the image."""
        return iter(())

    def blobs(self) -> "RegistryMembers":
        """Return the members for reading blobs: the same."""
        return self

    def has(self, name: str) -> bool:
        """Return whether NAME can be fetched; it may still be missing."""
        return name == TOP or name.startswith(("manifests/", "blobs/"))

    def read(self, name: str) -> bytes:
        """Return the content of the document NAME. Raises LaminixError for more than 4 MiB."""
        kind, _, digest = name.partition("/")
        if name == TOP or digest == self.top.digest:
            return self.top.data
        if kind == "blobs":
            return self.repository.small_blob(digest)
        found = self.repository.manifest(digest)
        if found is None:
            raise LaminixError(WHAT, f"the registry has no manifest {digest}", self.place)
        return found.data

    def open_blob(self, digest: str, size: int) -> BinaryIO:
        """Return the blob as a file, which is fetched while it is read. It must have SIZE bytes; the caller checks the digest."""
        return ChunkReader(self.repository.blob(digest, size))

    def location(self, name: str) -> str:
        """Return the location of NAME for messages."""
        return f"{self.place}!{name}"


def pinned(members: RegistryMembers) -> RegistryMembers:
    """Return MEMBERS with an address that has the tag's present digest."""
    address = replace(members.address, digest=members.top.digest)
    return RegistryMembers(address, members.repository, members.top)


def open_registry(
    text: str, environment: Mapping[str, str], cacert: str | None = None, plain_http: bool = False
) -> RegistryMembers:
    """Return the image at the address TEXT, without a request."""
    address = parse_address(text)
    return RegistryMembers(address, connect(address, Access(environment, cacert, plain_http)))
