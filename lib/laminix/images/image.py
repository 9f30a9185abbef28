"""Images as every form of them is read: references, config, and layers that know where their bytes are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from laminix.images.oci import Config, Manifest
from laminix.images.reference import Reference


@dataclass(frozen=True)
class StoredLayer:
    """A layer of an image, and where its bytes are."""

    diff_id: str  # digest of the uncompressed tar
    media_type: str
    size: int  # bytes as stored
    digest: str | None  # of the bytes as stored; None where only reading them would tell
    location: str  # PATH or ARCHIVE!MEMBER
    open: Callable[[], BinaryIO] = field(compare=False)  # the bytes as stored, from the start
    file: str | None = None  # the file that is the blob, where there is one
    recipe_directory: str | None = None  # the layer directory that makes the blob again, where none is kept


@dataclass(frozen=True)
class Image:
    """An image, whatever form it was read from."""

    references: tuple[Reference, ...]  # in the order of the form
    config_bytes: bytes  # as they were read: their digest is the image ID
    config: Config
    layers: tuple[StoredLayer, ...]  # base layer first, one for each diff ID of the config
    manifest: Manifest | None = None  # None where the form has none of OCI's or Docker's
    manifest_bytes: bytes | None = None  # as they were read
    annotations: dict[str, str] = field(default_factory=dict)  # the manifest's
