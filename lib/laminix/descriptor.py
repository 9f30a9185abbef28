"""Descriptors: the media type, digest and size of a blob (image-spec descriptor.md)."""

from dataclasses import dataclass, field
from typing import Any

from laminix.digest import read_digest
from laminix.strict_json import Value


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference to a blob: its media type, digest and size in bytes."""

    media_type: str
    digest: str
    size: int
    others: dict[str, Any] = field(default_factory=dict)  # annotations, platform and all other keys

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as a JSON object."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **self.others}


def read_descriptor(value: Value) -> Descriptor:
    """Return the descriptor in VALUE. Raises LaminixError for an invalid media type, digest or size."""
    required = ("mediaType", "digest", "size")
    return Descriptor(
        media_type=value["mediaType"].text(),
        digest=read_digest(value["digest"]),
        size=value["size"].number(),
        others={key: member.raw for key, member in value.items() if key not in required},
    )
