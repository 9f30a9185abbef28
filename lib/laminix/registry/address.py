"""The address of an image in a registry: ``docker://HOST[:PORT]/NAME[:TAG|@DIGEST]``."""

from dataclasses import dataclass

from laminix.digest import PATTERN
from laminix.errors import LaminixError
from laminix.images.reference import (
    DEFAULT_DOMAIN,
    DEFAULT_TAG,
    Reference,
    check_name,
    check_tag,
    qualified_name,
    split_tag,
)

PREFIX = "docker://"
# Images named docker.io/… are served by another host, under which Docker files their credentials too.
DEFAULT_HOST = "index.docker.io"


@dataclass(frozen=True, slots=True)
class Address:
    """The location of an image: registry, repository, and a tag, a digest or both (then the digest is used)."""

    registry: str  # HOST[:PORT] as the image's name has it
    repository: str  # NAME without the registry
    tag: str | None
    digest: str | None

    @property
    def host(self) -> str:
        """Return HOST[:PORT] of the server."""
        return DEFAULT_HOST if self.registry == DEFAULT_DOMAIN else self.registry

    @property
    def name(self) -> str:
        """Return the image's name: registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def manifest(self) -> str:
        """Return the digest if there is one, else the tag: the reference in requests for the manifest."""
        return self.digest or self.tag

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return the image's name with its tag, or nothing if there is no tag."""
        return (Reference(self.name, self.tag),) if self.tag else ()

    def __str__(self) -> str:
        tag, digest = self.tag and f":{self.tag}", self.digest and f"@{self.digest}"
        return f"{PREFIX}{self.name}{tag or ''}{digest or ''}"


def is_address(text: str) -> bool:
    """Return whether TEXT is a docker:// address rather than a path."""
    return text.startswith(PREFIX)


def parse_address(text: str) -> Address:
    """Return the address in TEXT, with or without ``docker://``. Without tag and digest, the tag is ``latest``.

    A name without a host is one at docker.io.  Raises LaminixError for a name, tag or digest that breaks the rules.
    """
    name, at, digest = text.removeprefix(PREFIX).partition("@")
    if at and not PATTERN.fullmatch(digest):
        raise LaminixError("bad image address", f"found the digest {digest!r}, expected sha256:<64 hex digits>", text)
    name, tag = split_tag(name)
    registry, _, repository = qualified_name(check_name(name)).partition("/")
    if tag is None and not digest:
        tag = DEFAULT_TAG
    return Address(registry, repository, tag and check_tag(tag), digest or None)
