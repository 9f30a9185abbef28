"""Functions for writing any form: manifests, and blobs that are copied or linked."""

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from laminix import media_types
from laminix.compression.uncompress import compression_of
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import checked_chunks, compression_of_layer
from laminix.images.oci import Manifest, sort_keys
from laminix.nix_store import lies_in_store
from laminix.progress import watched
from laminix.regular_file import open_regular_file

FICLONE = getattr(fcntl, "FICLONE", 0x40049409)  # in Python 3.12 and later; ioctl_ficlone(2)


def distinct_layers(layers: Sequence[StoredLayer]) -> list[StoredLayer]:
    """Return LAYERS in order, without repeated digests."""
    return list({layer.digest: layer for layer in layers}.values())


def oci_manifest_bytes(image: Image, layers: Sequence[StoredLayer]) -> bytes:
    """Return the bytes of the image's OCI manifest, unchanged if it was read with one, so that its digest stays."""
    if image.manifest is not None and image.manifest.media_type == media_types.OCI_MANIFEST:
        if names_config(image):
            return image.manifest_bytes
    return oci_manifest(layers, image.config_bytes, image.annotations).to_bytes()


def names_config(image: Image) -> bool:
    """Return whether the image has a manifest with the name that writers give its config, the SHA-256 digest."""
    return image.manifest is not None and image.manifest.config.digest == sha256(image.config_bytes)


def oci_manifest(layers: Sequence[StoredLayer], config: bytes, annotations: Mapping[str, str]) -> Manifest:
    """Return the OCI manifest for LAYERS (base layer first, with digests) and the bytes of the config."""
    return Manifest(
        config=Descriptor(media_types.OCI_CONFIG, sha256(config), len(config)),
        layers=tuple(Descriptor(_oci_type(layer), layer.digest, layer.size) for layer in layers),
        annotations=sort_keys(dict(annotations)),
    )


def _oci_type(layer: StoredLayer) -> str:
    """Return OCI's media type for the layer's actual compression: skopeo labels some uncompressed layers gzip."""
    if layer.recipe_directory is not None:
        return layer.media_type
    return media_types.LAYER_TYPES.get(compression_of_layer(layer), layer.media_type)


def link_to_store(place: str, target: str | None) -> bool:
    """Make PLACE a symbolic link to TARGET and return True if TARGET is in the Nix store; otherwise return False."""
    if target is None or not lies_in_store(target):
        return False
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.symlink(os.path.realpath(target), place)
    return True


def copy_layer(layer: StoredLayer, path: str, diff_id_too: bool = False) -> None:
    """Write the layer's bytes as stored to the new file PATH, checked as by ``checked_chunks``.

    The file is a reflink where the file system can make one: a copy that takes no space until one of the two changes.
    """
    if layer.file is not None and _reflink(layer, path):
        _check(replace(layer, open=partial(open_regular_file, path)), diff_id_too)
    else:
        write_chunks(path, watched(packed_chunks(layer, diff_id_too), "copying a layer:", layer.size))


def _reflink(layer: StoredLayer, path: str) -> bool:
    """Make the new file PATH a reflink of the layer's blob. Returns False, and makes nothing, if that is impossible."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with layer.open() as source, open(path, "xb") as file:
        try:
            fcntl.ioctl(file, FICLONE, source.fileno())
            return True
        except OSError:  # another file system, or one without reflinks
            os.unlink(path)
            return False


def _check(layer: StoredLayer, diff_id_too: bool) -> None:
    """Read LAYER. Raises LaminixError as ``packed_chunks`` does."""
    for _ in watched(packed_chunks(layer, diff_id_too), "checking a layer:", layer.size):
        pass


def packed_chunks(layer: StoredLayer, diff_id_too: bool = False) -> Iterator[bytes]:
    """Yield the layer's bytes as stored, checked as by ``checked_chunks``.

    Raises LaminixError for a compression that a layer must not have, such as xz, which not all engines read.
    """
    # A blob of an artifact has no diff ID of its own, and any content.
    unseen = layer.digest != layer.diff_id
    for chunk in checked_chunks(layer, diff_id_too):
        if unseen and (found := compression_of(chunk)) not in media_types.LAYER_TYPES:
            why = f"layer is compressed with {found}, expected {', '.join(media_types.LAYER_TYPES)}"
            raise LaminixError("cannot pack", why, layer.location)
        unseen = False
        yield chunk


def share_layer(layer: StoredLayer, path: str) -> bool:
    """Make PATH a hard link to the layer's blob, and check that as ``copy_layer`` does with the diff ID.

    Returns False, and makes nothing, unless the blob is a file of this user that nobody may write: then no change of
    one name can reach the other. False also where the file system cannot link the two.
    """
    if layer.file is None or not _is_constant(layer.file):
        return False
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        os.link(layer.file, path, follow_symlinks=False)
    except OSError:  # another file system, or one without links
        return False
    _check(layer, diff_id_too=True)
    return True


def _is_constant(path: str) -> bool:
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and not status.st_mode & 0o222 and status.st_uid == os.geteuid()


def write_chunks(path: str, chunks: Iterable[bytes]) -> None:
    """Write CHUNKS to the new file PATH, creating its directory if needed."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        for chunk in chunks:
            file.write(chunk)
