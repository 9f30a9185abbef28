"""Layer specs: the inputs that determine the tar of a layer."""

from dataclasses import dataclass

from laminix.strict_json import Value
from laminix.tar.entries import Owner


@dataclass(frozen=True)
class LayerSpec:
    """The sources of a layer, and the metadata of its entries."""

    store_paths: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()  # directory or file on disk, destination in the layer
    files: tuple[tuple[str, str], ...] = ()  # file, link or directory on disk that is to stand at a path itself
    removed: tuple[str, ...] = ()  # paths of lower layers to hide
    perms: Value | None = None  # the document of --perms
    owner: Owner = Owner()
    mtime: int = 1  # seconds since the epoch
