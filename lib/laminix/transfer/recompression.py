"""An image whose layers are compressed in another way. The diff IDs, and so the config, stay the same."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from laminix.compression.compressor import Compressor, available_cores
from laminix.errors import LaminixError
from laminix.human_size import human_size
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import compression_of_layer, with_digest
from laminix.layers.blob_writer import bad_compressor, write_all
from laminix.media_types import LAYER_TYPES, OCI_LAYER
from laminix.parallel.chunk_reader import ChunkReader
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.job_threads import in_threads
from laminix.transfer.meter import Meter
from laminix.transfer.outgoing import Digester, Outgoing, manifest_of, stored_descriptor

LAYERS_AT_ONCE = 4  # small layers have too few blocks to occupy all cores


@dataclass(frozen=True)
class Recompression:
    """Which layers are compressed, and how."""

    compressor: Compressor
    plain_only: bool = False  # leave the layers that are compressed as they are

    def concerns(self, layer: StoredLayer) -> bool:
        """Return whether LAYER is stored in another way than it should be."""
        found = compression(layer)
        return found != self.compressor.name and (found == "none" or not self.plain_only)


@dataclass(frozen=True)
class Recompressed:
    """An image with recompressed layers, and the sizes of its layers in bytes, each layer counted once."""

    image: Image
    changed: int  # how many layers are stored in another way than before
    before: int
    after: int

    def __str__(self) -> str:
        share = f" ({100 * self.after / self.before:.0f} %)" if self.before else ""
        sizes = f"{human_size(self.before)} before, {human_size(self.after)} after{share}"
        return f"layers: {sizes}, {self.changed} recompressed"


def compression(layer: StoredLayer) -> str:
    """Return how LAYER is stored: none, gzip, zstd or, in old images, another compression."""
    if layer.recipe_directory is not None:  # reading it would rebuild the layer
        return next((name for name, type_ in LAYER_TYPES.items() if type_ == layer.media_type), "none")
    return compression_of_layer(layer)


@contextlib.contextmanager
def recompressed(image: Image, how: Recompression) -> Iterator[Recompressed]:
    """Yield IMAGE with its layers recompressed as HOW says. It can be read until the block ends.

    Each layer is read once, and its new bytes are written to a temporary file without a name. Raises LaminixError for
    a layer with a wrong digest or diff ID, and for a compressor whose output is neither gzip nor zstd.
    """
    concerned = [how.concerns(layer) for layer in image.layers]
    old = {layer.diff_id: layer for layer, is_concerned in zip(image.layers, concerned) if is_concerned}
    with contextlib.ExitStack() as stack:
        files = {diff_id: stack.enter_context(tempfile.TemporaryFile(buffering=0)) for diff_id in old}
        made = _recompress(old, how.compressor, files)
        layers = [
            made[layer.diff_id] if is_concerned else with_digest(layer)
            for layer, is_concerned in zip(image.layers, concerned)
        ]
        yield Recompressed(_with_layers(image, layers), len(made), _size(image.layers), _size(layers))


def _recompress(
    layers: dict[str, StoredLayer], compressor: Compressor, files: dict[str, BinaryIO]
) -> dict[str, StoredLayer]:
    """Return each of LAYERS, by diff ID, compressed by COMPRESSOR. Their bytes are in FILES."""
    cores, stopped = available_cores(), threading.Event()
    meter = Meter("compressing", sum(layer.size for layer in layers.values()))

    def watch(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in meter.watched(chunks):
            if stopped.is_set():
                raise LaminixError("cannot compress a layer", "another one has failed")
            yield chunk

    jobs = [
        partial(_write, Outgoing(layer, compressor, cores, watch), files[diff_id]) for diff_id, layer in layers.items()
    ]
    try:
        return dict(zip(layers, in_threads(jobs, LAYERS_AT_ONCE, stopped.set)))
    finally:
        meter.clear()


def _write(outgoing: Outgoing, file: BinaryIO) -> StoredLayer:
    """Write the bytes of OUTGOING to FILE. Returns the layer as stored there."""
    digester = Digester()
    for chunk in digester.chunks(outgoing):
        _append(file, chunk)
    found = digester.descriptor()
    if found.media_type == OCI_LAYER and outgoing.compressor.name != "none":
        raise bad_compressor(outgoing.compressor)
    return replace(
        outgoing.layer,
        media_type=found.media_type,
        size=found.size,
        digest=found.digest,
        open=lambda: ChunkReader(_chunks(file)),
        file=None,
        recipe_directory=None,
    )


def _append(file: BinaryIO, chunk: bytes) -> None:
    try:
        write_all(file, chunk)
    except OSError as error:
        why = f"{error.strerror}; set TMPDIR to a directory with more room"
        raise LaminixError("cannot write a temporary file", why, tempfile.gettempdir()) from None


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of FILE, which others may read at the same time."""
    offset = 0
    while chunk := os.pread(file.fileno(), CHUNK_SIZE, offset):
        yield chunk
        offset += len(chunk)


def _with_layers(image: Image, layers: list[StoredLayer]) -> Image:
    """Return IMAGE with LAYERS; its manifest is unchanged if they are its own."""
    if [layer.digest for layer in layers] == [layer.digest for layer in image.layers]:
        return image
    manifest = manifest_of(image, [stored_descriptor(layer) for layer in layers])
    return replace(image, layers=tuple(layers), manifest=manifest, manifest_bytes=manifest.to_bytes())


def _size(layers: Iterable[StoredLayer]) -> int:
    return sum({layer.digest or layer.diff_id: layer.size for layer in layers}.values())
