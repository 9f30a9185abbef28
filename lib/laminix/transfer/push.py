"""Push an image: send only the blobs that the registry lacks.

The manifest and config that the tag has now give the digest, at the registry, of each layer there by diff ID. The new
manifest is sent last, so that the tag has a whole image at any moment.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from laminix.compression.compressor import available_cores, find_compressor
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.errors import LaminixError, UsageError
from laminix.forms import image_in
from laminix.human_size import human_size
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.media_types import LAYER_TYPES, OCI_CONFIG, OCI_MANIFEST
from laminix.parallel.job_threads import in_threads
from laminix.registry.address import Address
from laminix.registry.client import Document, Registry, RegistryError, Repository
from laminix.registry.connection import ATTEMPTS, RETRIED, Body, ConnectionLost, Connections, retry_wait
from laminix.registry.members import RegistryMembers
from laminix.transfer.meter import Meter
from laminix.transfer.outgoing import Blob, Digester, Outgoing, manifest_of, rest_of, stored_descriptor

UPLOADS_AT_ONCE = 4
BLOB_GONE = "MANIFEST_BLOB_UNKNOWN"  # what a registry says to a manifest whose blobs it has not
# What it says to the rest of an upload that it has given up, or has other bytes of.
UPLOAD_GONE = frozenset({"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "DIGEST_INVALID"})
Result = TypeVar("Result")
SENT, MOUNTED, FOUND = "sent", "mounted", "found"


@dataclass(frozen=True)
class Wishes:
    """Options of a push."""

    compressor: str = "gzip"  # for layers that are not compressed
    preserve_digests: bool = False  # send layers and manifest as they are
    reuse: bool = True  # believe what the registry's config says of its layers
    like: Address | None = None  # an image whose layers are likely to be the same, in place of the tag's
    mount_from: tuple[str, ...] = ()  # repositories of the same registry that may have the layers


@dataclass(frozen=True)
class Known:
    """A blob that the registry has, and a repository that contains it."""

    descriptor: Descriptor
    repository: str


@dataclass(frozen=True)
class Delivered:
    """A blob that the repository now has, and why: it was SENT, MOUNTED or FOUND."""

    descriptor: Descriptor
    how: str


@dataclass(frozen=True)
class Pushed:
    """The result of a push to one destination."""

    address: Address
    digest: str  # of the manifest
    blobs: tuple[Delivered, ...]

    def __str__(self) -> str:
        counts = Counter(blob.how for blob in self.blobs)
        size = human_size(sum(blob.descriptor.size for blob in self.blobs if blob.how == SENT))
        name = f"{self.address.name}:{self.address.tag}@{self.digest}"
        return f"{name}: sent {counts[SENT]} ({size}), mounted {counts[MOUNTED]}, found {counts[FOUND]}"


def push(image: Image, addresses: Sequence[Address], wishes: Wishes, connections: Connections) -> list[Pushed]:
    """Push IMAGE to each of ADDRESSES. Returns the results, grouped by repository.

    Raises LaminixError at the first failure. Earlier destinations are then done, and later ones unchanged.
    """
    image = replace(image, layers=tuple(with_digest(layer) for layer in image.layers))
    pushed: list[Pushed] = []
    delivered: dict[str, dict[str, Known]] = {}  # by registry and diff ID
    for group in by_repository(addresses):
        repository = Repository(Registry(connections, group[0]), group[0].repository, push=True)
        elsewhere = delivered.setdefault(group[0].registry, {})
        job = _Push(image, wishes, repository, elsewhere)
        pushed += job.run(group)
        elsewhere |= {diff_id: Known(found, repository.name) for diff_id, found in job.descriptors.items()}
    return pushed


def by_repository(addresses: Sequence[Address]) -> list[list[Address]]:
    """Return ADDRESSES grouped by repository. Raises UsageError for an address with a digest."""
    groups: dict[str, list[Address]] = {}
    for address in addresses:
        if address.digest is not None:
            raise UsageError("bad destination", "expected a tag, found a digest", str(address))
        groups.setdefault(address.name, []).append(address)
    return list(groups.values())


class _Push:
    """The push of one image to one repository."""

    def __init__(self, image: Image, wishes: Wishes, repository: Repository, elsewhere: Mapping[str, Known]):
        self._image = image
        self._wishes = wishes
        self._repository = repository
        self._connections = repository.registry.connections
        self._elsewhere = elsewhere  # what other repositories of the registry are known to have, by diff ID
        self._cores = available_cores()
        self._compressor = find_compressor(wishes.compressor, self._cores)
        self.descriptors: dict[str, Descriptor] = {}  # of the blobs at the registry, by diff ID

    def run(self, addresses: Sequence[Address]) -> list[Pushed]:
        """Push the image to ADDRESSES, all in the repository."""
        present = {address: self._repository.manifest(address.tag) for address in addresses}
        known, config_is_there = self._known(addresses[0], present) if self._wishes.reuse else ({}, False)
        document, blobs = self._deliver(known, config_is_there)
        try:
            self._name(present, document)
        except RegistryError as error:
            if not known or BLOB_GONE not in error.codes:
                raise
            document, blobs = self._deliver({}, False)  # the registry lacks blobs of its own image
            self._name(present, document)
        return [Pushed(address, document.digest, blobs) for address in addresses]

    def _name(self, present: Mapping[Address, Document | None], document: Document) -> None:
        """Store the manifest DOCUMENT under each tag that has another one now."""
        for address, found in present.items():
            if found is None or found.data != document.data:
                self._repository.put_manifest(address.tag, document.data, document.media_type)

    # What the registry has.

    def _known(self, address: Address, present: Mapping[Address, Document | None]) -> tuple[dict[str, Known], bool]:
        """Return the layers of the image at the first tag, or at ``like``, by diff ID, and whether its config is ours."""
        like, repository = self._wishes.like or address, self._repository
        if like.repository != repository.name:
            repository = Repository(repository.registry, like.repository)
        document = present[like] if like in present else repository.manifest(like.manifest)
        if document is None:
            return {}, False
        try:
            members = RegistryMembers(like, repository, document)
            image = image_in(members, None, str(self._image.config.platform))
        except ConnectionLost:
            raise
        except LaminixError:
            return {}, False  # not an image, or a broken one
        known = {layer.diff_id: Known(stored_descriptor(layer), repository.name) for layer in image.layers}
        return known, image.config_bytes == self._image.config_bytes and repository is self._repository

    def _usable(self, layer: StoredLayer, known: Known | None) -> Known | None:
        """Return KNOWN if that blob can stand for the layer: the same digest, or the same kind of compression."""
        if known is None:
            return None
        if not self._is_to_be_compressed(layer):
            return known if known.descriptor.digest == layer.digest else None
        wanted = LAYER_TYPES.get(self._compressor.name, known.descriptor.media_type)
        return known if known.descriptor.media_type == wanted else None

    def _is_to_be_compressed(self, layer: StoredLayer) -> bool:
        is_plain = layer.digest == layer.diff_id
        return is_plain and not self._wishes.preserve_digests and self._compressor.name != "none"

    # Sending.

    def _deliver(self, known: Mapping[str, Known], config_is_there: bool) -> tuple[Document, tuple[Delivered, ...]]:
        """Make sure that the repository has all blobs. Returns the manifest, and what was done for each blob."""
        layers = {layer.digest: layer for layer in self._image.layers}
        there = {digest: self._usable(layer, known.get(layer.diff_id)) for digest, layer in layers.items()}
        meter = Meter("pushing", sum(layer.size for digest, layer in layers.items() if there[digest] is None))
        jobs = [lambda layer=layer: self._layer(layer, there[layer.digest], meter) for layer in layers.values()]
        delivered = in_threads([lambda: self._config(config_is_there), *jobs], UPLOADS_AT_ONCE, self._connections.abort)
        meter.clear()
        by_digest = dict(zip(layers, delivered[1:]))
        descriptors = [by_digest[layer.digest].descriptor for layer in self._image.layers]
        self.descriptors = {layer.diff_id: found for layer, found in zip(self._image.layers, descriptors)}
        return manifest_with(self._image, descriptors), tuple(delivered)

    def _layer(self, layer: StoredLayer, known: Known | None, meter: Meter) -> Delivered:
        """Make sure that the repository has the layer."""
        known = known or self._usable(layer, self._elsewhere.get(layer.diff_id))
        if known is not None:
            if known.repository == self._repository.name:
                return Delivered(known.descriptor, FOUND)
            if self._repository.mount_or_begin(known.descriptor.digest, known.repository) is None:
                return Delivered(known.descriptor, MOUNTED)
        compressor = self._compressor if self._is_to_be_compressed(layer) else None
        outgoing = Outgoing(layer, compressor, self._cores, meter.watched)
        return patiently(lambda: self._send(outgoing), self._connections)

    def _config(self, is_there: bool) -> Delivered:
        """Make sure that the repository has the config."""
        config = Blob(config_descriptor(self._image), lambda: [self._image.config_bytes])
        return (
            Delivered(config.descriptor, FOUND)
            if is_there
            else patiently(lambda: self._send_blob(config), self._connections)
        )

    def _send(self, outgoing: Outgoing) -> Delivered:
        blob = outgoing.blob()
        return self._stream(outgoing) if blob is None else self._send_blob(blob)

    def _send_blob(self, blob: Blob) -> Delivered:
        """Send a blob whose digest is known, unless the registry has it."""
        digest, size = blob.descriptor.digest, blob.descriptor.size
        if self._repository.has_blob(digest):
            return Delivered(blob.descriptor, FOUND)
        upload = None
        for source in self._wishes.mount_from:
            upload = self._repository.mount_or_begin(digest, source)
            if upload is None:
                return Delivered(blob.descriptor, MOUNTED)

        def send(place: str, there: int) -> None:
            body = Body(lambda: rest_of(blob.chunks(), there), max(0, size - there))
            self._repository.finish_upload(place, digest, body)

        resumed(self._repository, upload or self._repository.begin_upload(), send)
        return Delivered(blob.descriptor, SENT)

    def _stream(self, outgoing: Outgoing) -> Delivered:
        """Send a layer whose digest is known only after its last byte."""
        digester = Digester()

        def send(place: str, there: int) -> str:
            body = Body(lambda: rest_of(digester.chunks(outgoing), there), None)
            return self._repository.send_chunk(place, body)

        upload = resumed(self._repository, self._repository.begin_upload(), send)
        descriptor = digester.descriptor()
        self._repository.finish_upload(upload, descriptor.digest)
        return Delivered(descriptor, SENT)


def patiently(send: Callable[[], Delivered], connections: Connections) -> Delivered:
    """Call SEND and return its result. Calls it again if the upload is interrupted."""
    for attempt in range(1, ATTEMPTS):
        try:
            return send()
        except ConnectionLost:
            if connections.is_aborted:
                raise
        except RegistryError as error:
            if error.status not in RETRIED and not UPLOAD_GONE.intersection(error.codes):
                raise
        time.sleep(retry_wait(attempt, None))
    return send()


def resumed(repository: Repository, upload: str, send: Callable[[str, int], Result]) -> Result:
    """Call SEND with the URL of an upload and how many bytes the registry has, and return its result.

    Calls it again after a lost connection if the registry has kept what arrived. The bytes are the same each time.
    """
    there = 0
    for _ in range(1, ATTEMPTS):
        try:
            return send(upload, there)
        except ConnectionLost:
            progress = None if repository.registry.connections.is_aborted else repository.upload_progress(upload)
            if progress is None or progress[1] <= there:
                raise
            upload, there = progress
    return send(upload, there)


def config_descriptor(image: Image) -> Descriptor:
    """Return the descriptor of the image's config."""
    if image.manifest is not None:
        return image.manifest.config
    return Descriptor(OCI_CONFIG, sha256(image.config_bytes), len(image.config_bytes))


def manifest_with(image: Image, layers: Sequence[Descriptor]) -> Document:
    """Return the image's manifest, unchanged if LAYERS are its own layers, else with LAYERS in place of them."""
    own = [layer.digest for layer in image.layers] == [layer.digest for layer in layers]
    if own and image.manifest is not None:
        return Document.of(image.manifest_bytes, image.manifest.media_type)
    return Document.of(manifest_of(image, layers).to_bytes(), OCI_MANIFEST)
