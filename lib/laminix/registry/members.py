"""An image in a registry, with the interface that the forms read directories and archives by.

Its members are named by what they are: ``manifest`` for the address's own manifest or index, ``manifests/DIGEST`` and
``blobs/DIGEST``. Each is fetched when it is read.
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
    """The documents and blobs of the image at ADDRESS; TOP is its manifest or index, if it was fetched already."""

    def __init__(self, address: Address, repository: Repository, top: Document | None = None):
        self.address = address
        self.repository = repository
        self.place = str(address)
        self._top = top

    @property
    def top(self) -> Document:
        """The manifest or index at the address."""
        if self._top is None:
            self._top = self.repository.manifest(self.address.manifest)
        if self._top is None:
            raise LaminixError(WHAT, "the registry has no such image", self.place)
        return self._top

    def names(self) -> Iterator[str]:
        """Nothing: what else a registry has is no part of the image."""
        return iter(())

    def blobs(self) -> "RegistryMembers":
        """Return the members for reading blobs: the same."""
        return self

    def has(self, name: str) -> bool:
        """Whether NAME may be there: only fetching would tell."""
        return name == TOP or name.startswith(("manifests/", "blobs/"))

    def read(self, name: str) -> bytes:
        """The content of the document NAME; raises LaminixError for more than 4 MiB."""
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
        """The blob, fetched as it is read; it has to have SIZE bytes, and its digest is for the reader to check."""
        return ChunkReader(self.repository.blob(digest, size))

    def location(self, name: str) -> str:
        """Where NAME is, for people."""
        return f"{self.place}!{name}"


def pinned(members: RegistryMembers) -> RegistryMembers:
    """Return MEMBERS with the digest that the tag has now in the address."""
    address = replace(members.address, digest=members.top.digest)
    return RegistryMembers(address, members.repository, members.top)


def open_registry(
    text: str, environment: Mapping[str, str], cacert: str | None = None, plain_http: bool = False
) -> RegistryMembers:
    """The image at the address TEXT; nothing is fetched yet."""
    address = parse_address(text)
    return RegistryMembers(address, connect(address, Access(environment, cacert, plain_http)))
