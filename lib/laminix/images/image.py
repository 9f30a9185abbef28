"""An image in memory, the same for every form it can be read from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from laminix.images.oci import Config, Manifest
from laminix.images.reference import Reference


@dataclass(frozen=True)
class StoredLayer:
    """A layer of an image and the location of its bytes."""

    diff_id: str  # digest of the uncompressed tar
    media_type: str
    size: int  # bytes as stored
    digest: str | None  # of the bytes as stored; None if the form does not state it
    location: str  # PATH or ARCHIVE!MEMBER, for messages
    open: Callable[[], BinaryIO] = field(compare=False)  # opens the bytes as stored, at their start
    file: str | None = None  # path of the blob; None if the blob is not a file of its own
    recipe_directory: str | None = None  # layer directory that rebuilds the blob; None if the blob is kept


@dataclass(frozen=True)
class Image:
    """An image, independent of the form it was read from."""

    references: tuple[Reference, ...]  # in the order of the form
    config_bytes: bytes  # as read; their digest is the image ID
    config: Config
    layers: tuple[StoredLayer, ...]  # base layer first, one for each diff ID of the config
    manifest: Manifest | None = None  # None if the form has no OCI or Docker manifest
    manifest_bytes: bytes | None = None  # as read
    annotations: dict[str, str] = field(default_factory=dict)  # of the manifest
