"""Layers on their way out of this machine: as stored, or compressed while they are read."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from laminix.compression.compressor import Compressor, compress
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of
from laminix.descriptor import Descriptor
from laminix.digest import digest_of, sha256
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks
from laminix.images.oci import Manifest
from laminix.media_types import LAYER_TYPES, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

SMALL = 8 << 20  # bytes of a layer that is compressed in memory, so that its digest is known before it is sent

Watch = Callable[[Iterable[bytes]], Iterable[bytes]]


@dataclass(frozen=True)
class Blob:
    """A blob whose digest is known before it is sent."""

    descriptor: Descriptor
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Outgoing:
    """A layer to send: as stored, or compressed by COMPRESSOR. WATCH counts the layer's bytes as they are read."""

    layer: StoredLayer
    compressor: Compressor | None
    cores: int
    watch: Watch

    def chunks(self) -> Iterator[bytes]:
        """Yield the blob's bytes. Raises LaminixError after the last chunk if the layer has a wrong digest or diff ID."""
        if self.compressor is None:
            return iter(self.watch(checked_chunks(self.layer)))
        return compress(self.compressor, self.watch(uncompressed_chunks(self.layer)), self.cores)

    def blob(self) -> Blob | None:
        """Return the blob if its digest is known, or if the layer is small enough to compress in memory; else None."""
        if self.compressor is None:
            return Blob(stored_descriptor(self.layer), self.chunks)
        if self.layer.size > SMALL:
            return None
        data = b"".join(self.chunks())
        return Blob(Descriptor(media_type_of(data), sha256(data), len(data)), lambda: [data])


class Digester:
    """Computes the descriptor of a blob while it is sent. If it is sent again, starts again."""

    def chunks(self, outgoing: Outgoing) -> Iterator[bytes]:
        """Yield the bytes of OUTGOING."""
        self._start, self._size, self._state = b"", 0, hashlib.sha256()
        for chunk in outgoing.chunks():
            self._state.update(chunk)
            self._size += len(chunk)
            if len(self._start) < LONGEST_MAGIC:
                self._start += chunk[:LONGEST_MAGIC]
            yield chunk

    def descriptor(self) -> Descriptor:
        """Return the descriptor of the bytes that were sent."""
        return Descriptor(media_type_of(self._start), digest_of(self._state), self._size)


def rest_of(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Yield CHUNKS without their first COUNT bytes."""
    for chunk in chunks:
        if rest := chunk[count:]:
            yield rest
        count = max(0, count - len(chunk))


def media_type_of(start: bytes) -> str:
    """Return the media type of a layer's blob that begins with START."""
    return LAYER_TYPES.get(compression_of(start), OCI_LAYER)


def stored_descriptor(layer: StoredLayer) -> Descriptor:
    """Return the descriptor of the layer's blob as stored, with OCI's media type in place of Docker's."""
    if layer.digest == layer.diff_id:
        return Descriptor(OCI_LAYER, layer.digest, layer.size)
    is_docker = layer.media_type.startswith("application/vnd.docker.")
    return Descriptor(LAYER_TYPES["gzip"] if is_docker else layer.media_type, layer.digest, layer.size)


def manifest_of(image: Image, layers: Sequence[Descriptor]) -> Manifest:
    """Return an OCI manifest of IMAGE with LAYERS in place of its own. Unchanged layers keep their annotations."""
    if image.manifest is None or image.manifest.media_type != OCI_MANIFEST:
        config = Descriptor(OCI_CONFIG, sha256(image.config_bytes), len(image.config_bytes))
        return Manifest(config, tuple(layers), image.annotations)
    kept = zip(image.manifest.layers, layers)
    return replace(image.manifest, layers=tuple(old if old.digest == new.digest else new for old, new in kept))
