"""What evaluation knows of packages: licences, homepage, description, identifiers."""

from collections.abc import Mapping
from dataclasses import dataclass

from laminix.strict_json import Value

KEYS = {"name", "version", "description", "homepage", "licenses", "cpe", "purl"}


@dataclass(frozen=True)
class License:
    """A licence: an SPDX identifier, or a name if there is none."""

    spdx_id: str | None
    name: str


@dataclass(frozen=True)
class Meta:
    """What is known of a package besides its store path; empty where unknown."""

    name: str = ""
    version: str = ""
    description: str = ""
    homepage: str = ""
    licenses: tuple[License, ...] = ()
    cpe: str = ""
    purl: str = ""


def read_meta(value: Value) -> Mapping[str, Meta]:
    """The packages of the document VALUE, an object by store path. Raises LaminixError for a wrong type or key."""
    return {path: _meta(member) for path, member in value.items()}


def _meta(value: Value) -> Meta:
    value.only(KEYS)
    licenses = value.get("licenses")
    texts = {key: member.text() for key in KEYS - {"licenses"} if (member := value.get(key)) is not None}
    return Meta(**texts, licenses=tuple(map(_license, licenses or ())))


def _license(value: Value) -> License:
    value.only({"spdxId", "name"})
    spdx_id, name = value.get("spdxId"), value.get("name")
    if spdx_id is None and name is None:
        raise value.error("expected spdxId or name")
    return License(spdx_id.text() if spdx_id else None, name.text() if name else spdx_id.text())
