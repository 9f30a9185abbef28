"""Descriptors, and the media types of what they point to (image-spec descriptor.md, media-types.md)."""

from dataclasses import dataclass, field
from typing import Any

from laminix.digest import read_digest
from laminix.strict_json import Value

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

# How a blob's bytes relate to its tar, by compression: the media type and the name of the file that
# holds it.  Compressions are named as the command line names them.
LAYER_TYPES = {"none": OCI_LAYER, "gzip": f"{OCI_LAYER}+gzip", "zstd": f"{OCI_LAYER}+zstd"}
LAYER_FILES = {"none": "layer.tar", "gzip": "layer.tar.gz", "zstd": "layer.tar.zst"}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points to a blob: its media type, digest and size in bytes."""

    media_type: str
    digest: str
    size: int
    others: dict[str, Any] = field(default_factory=dict)  # annotations, platform and what else stood there

    def to_json(self) -> dict[str, Any]:
        """The descriptor as a JSON object."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **self.others}


def read_descriptor(value: Value) -> Descriptor:
    """The descriptor in VALUE; raises LaminixError where it has no valid media type, digest or size."""
    required = ("mediaType", "digest", "size")
    return Descriptor(
        media_type=value["mediaType"].text(),
        digest=read_digest(value["digest"]),
        size=value["size"].number(),
        others={key: member.raw for key, member in value.items() if key not in required},
    )
