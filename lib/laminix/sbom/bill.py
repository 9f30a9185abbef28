"""A bill of materials: the one result that all formats of mk-sbom render."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from urllib.parse import quote

from laminix import strict_json
from laminix.errors import one_line
from laminix.sbom.meta import Meta
from laminix.store.store_path import full_name, split_version
from laminix.store.valid_paths import ValidPath, roots

NO_META = Meta()
EPOCH = "1970-01-01T00:00:01Z"  # the time of everything in the store
TOOL = "laminix mk-sbom"


@dataclass(frozen=True)
class Component:
    """A store path, and what is known of it."""

    path: str
    digest: str | None  # ALGORITHM:HEX of the NAR; of a file that was fetched for a build, of the file
    layers: tuple[str, ...]  # digests of the layers that contain it, as stored; diff IDs where those are unknown
    references: tuple[str, ...]  # store paths of the bill, without itself, sorted
    meta: Meta = NO_META

    @cached_property
    def _split(self) -> tuple[str, str]:
        return split_version(one_line(full_name(self.path)))

    @property
    def name(self) -> str:
        """The package's name."""
        return self.meta.name or self._split[0]

    @property
    def version(self) -> str:
        """The package's version; empty if it has none."""
        return self.meta.version or self._split[1]

    @cached_property
    def base_name(self) -> str:
        """HASH-NAME of the store path, without what could break a line."""
        return one_line(self.path[self.path.rfind("/") + 1 :])

    @property
    def purl(self) -> str:
        """The package URL: the package's own, or one of type nix (github.com/package-url/purl-spec)."""
        if self.meta.purl:
            return self.meta.purl
        version = f"@{quote(self.version, safe='')}" if self.version else ""
        return f"pkg:nix/{quote(self.name, safe='')}{version}?outputhash={quote(self.base_name[:32], safe='')}"

    def places(self) -> str:
        """Where it is, in words."""
        return "; ".join([f"store path {self.path}", *(f"layer {layer}" for layer in self.layers)])


@dataclass(frozen=True)
class BuildStep:
    """The build of a derivation."""

    derivation: str  # path of the .drv file
    inputs: tuple[str, ...]  # store paths of the bill, sorted
    outputs: tuple[str, ...]  # the same; none if it built the subject


@dataclass(frozen=True)
class Bill:
    """What an image or a closure is made of."""

    name: str
    version: str  # empty if there is none
    digest: str | None  # of the image's manifest
    created: str  # RFC 3339, whole seconds, UTC
    is_image: bool
    outside: int  # files in no store path, of which the bill tells no more than their number
    roots: tuple[str, ...]  # store paths that the subject itself refers to
    components: tuple[Component, ...] = ()  # sorted by path
    build_components: tuple[Component, ...] = ()  # store paths that were needed to build these, sorted by path
    build_steps: tuple[BuildStep, ...] = ()  # sorted by derivation

    def identity(self) -> str:
        """A UUID made of the content: version 8 (RFC 9562, section 5.8), so that equal bills have equal ones."""
        parts = [self.name, self.version, self.digest, self.created, self.outside, self.roots]
        state = hashlib.sha256(strict_json.dumps(parts))
        for item in (*self.components, *self.build_components):
            own = [item.path, item.digest, item.layers, item.references, repr(item.meta)]
            state.update(strict_json.dumps(own))
        for step in self.build_steps:
            state.update(strict_json.dumps(astuple(step)))
        octets = bytearray(state.digest()[:16])
        octets[6] = octets[6] & 0x0F | 0x80
        octets[8] = octets[8] & 0x3F | 0x80
        text = octets.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def outside_comment(self) -> str:
        """How many files the bill leaves out, in words; empty if there are none."""
        return f"{self.outside} files of the image belong to no store path and are not described" * bool(self.outside)


def bill_of_closure(valid: Sequence[ValidPath], meta: Mapping[str, Meta], name: str | None) -> Bill:
    """The bill of a closure, named after its first root unless NAME is given."""
    components = tuple(
        Component(item.path, item.nar_digest, (), _others(item), meta.get(item.path, NO_META)) for item in valid
    )
    tops = tuple(roots(list(valid)))
    own_name, version = split_version(full_name(tops[0])) if tops else ("closure", "")
    return Bill(name or own_name, "" if name else version, None, EPOCH, False, 0, tops, components)


def _others(item: ValidPath) -> tuple[str, ...]:
    return tuple(sorted({path for path in item.references if path != item.path}))
