"""Layers on their way to a registry: as they are stored, or compressed as they go."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from laminix.compression.compressor import Compressor, compress
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of
from laminix.descriptor import Descriptor
from laminix.media_types import LAYER_TYPES, OCI_LAYER
from laminix.digest import sha256, digest_of
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks

SMALL = 8 << 20  # bytes of a layer that is compressed in memory, so that its digest is known before it is sent

Watch = Callable[[Iterable[bytes]], Iterable[bytes]]


@dataclass(frozen=True)
class Blob:
    """A blob whose digest is known before it is sent."""

    descriptor: Descriptor
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Outgoing:
    """A layer to send, compressed by COMPRESSOR unless that is None; WATCH sees the layer's own bytes pass."""

    layer: StoredLayer
    compressor: Compressor | None
    cores: int
    watch: Watch

    def chunks(self) -> Iterator[bytes]:
        """The blob's bytes; raises LaminixError at the end where the layer's are not what its digests say."""
        if self.compressor is None:
            return iter(self.watch(checked_chunks(self.layer)))
        return compress(self.compressor, self.watch(uncompressed_chunks(self.layer)), self.cores)

    def blob(self) -> Blob | None:
        """The blob if its digest is known, or is told by compressing a few megabytes; else None."""
        if self.compressor is None:
            return Blob(stored_descriptor(self.layer), self.chunks)
        if self.layer.size > SMALL:
            return None
        data = b"".join(self.chunks())
        return Blob(Descriptor(media_type_of(data), sha256(data), len(data)), lambda: [data])


class Digester:
    """Tells the descriptor of a layer's blob that passes, the last if several do."""

    def chunks(self, outgoing: Outgoing) -> Iterator[bytes]:
        """OUTGOING's bytes as they pass."""
        self._start, self._size, self._state = b"", 0, hashlib.sha256()
        for chunk in outgoing.chunks():
            self._state.update(chunk)
            self._size += len(chunk)
            if len(self._start) < LONGEST_MAGIC:
                self._start += chunk[:LONGEST_MAGIC]
            yield chunk

    def descriptor(self) -> Descriptor:
        """The descriptor of what has passed."""
        return Descriptor(media_type_of(self._start), digest_of(self._state), self._size)


def media_type_of(start: bytes) -> str:
    """The media type of a layer's blob that begins with START."""
    return LAYER_TYPES.get(compression_of(start), OCI_LAYER)


def stored_descriptor(layer: StoredLayer) -> Descriptor:
    """The descriptor of the layer's blob as stored, with OCI's media type for one of Docker's."""
    if layer.digest == layer.diff_id:
        return Descriptor(OCI_LAYER, layer.digest, layer.size)
    is_docker = layer.media_type.startswith("application/vnd.docker.")
    return Descriptor(LAYER_TYPES["gzip"] if is_docker else layer.media_type, layer.digest, layer.size)
