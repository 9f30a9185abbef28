"""Pushing a whole layout: images of several platforms with their index, and artifacts with what they refer to.

Blobs go first, then manifests under their digests, the tag last. Where a registry has no referrers API, each artifact
is added to the index under the tag that stands for it (distribution-spec 1.1, "Referrers Tag Schema").
"""

from collections.abc import Iterator
from typing import Any

from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.errors import LaminixError
from laminix.forms.whole_layout import WholeLayout, media_type_of
from laminix.images.layer_bytes import checked_chunks
from laminix.images.oci import INDEX_TYPES, Index, read_index
from laminix.media_types import OCI_CONFIG, OCI_INDEX
from laminix.parallel.job_threads import in_threads
from laminix.registry.address import Address
from laminix.registry.client import Registry, Repository, check_status
from laminix.registry.connection import Body, Connections
from laminix.strict_json import Value
from laminix.transfer.meter import Meter
from laminix.transfer.outgoing import Blob, rest_of
from laminix.transfer.push import FOUND, SENT, UPLOADS_AT_ONCE, Delivered, Pushed, patiently, resumed


def push_whole(layout: WholeLayout, address: Address, connections: Connections) -> Pushed:
    """Push LAYOUT unchanged; ADDRESS names the one image or index in it that has a name, or the only one.

    Raises LaminixError if that is not clear, and at the first failure; the tag then names what it did.
    """
    if address.digest is not None:
        raise LaminixError("bad destination", "expected a tag, found a digest", str(address))
    top = _top(layout, address)
    repository = Repository(Registry(connections, address), address.repository, push=True)
    manifests = layout.manifests
    blobs = list(_blobs(layout, manifests))
    meter = Meter("pushing", sum(blob.descriptor.size for blob in blobs))
    jobs = [lambda blob=blob: patiently(lambda: _send(repository, blob, meter), connections) for blob in blobs]
    delivered = in_threads(jobs, UPLOADS_AT_ONCE, connections.abort)
    meter.clear()
    # A layout's documents come before those that they point to; a registry wants them in the other order.
    for digest in reversed(manifests):
        if digest != top.digest:
            repository.put_manifest(digest, layout.documents[digest], media_type_of(manifests[digest]))
    for entry in layout.entries:
        _refer(repository, entry, manifests[entry.digest], layout)
    repository.put_manifest(address.tag, layout.documents[top.digest], top.media_type)
    return Pushed(address, top.digest, tuple(delivered))


def _top(layout: WholeLayout, address: Address) -> Descriptor:
    """What the tag is to name."""
    named = {entry.digest: entry for entry in layout.entries if _is_named(entry)}
    found = named or {entry.digest: entry for entry in layout.entries if "artifactType" not in entry.others}
    if len(found) != 1:
        why = f"found {len(found)} images and indexes, expected one for the tag"
        raise LaminixError("cannot push all", why, str(address))
    return next(iter(found.values()))


def _is_named(entry: Descriptor) -> bool:
    return "org.opencontainers.image.ref.name" in (entry.others.get("annotations") or {})


def _blobs(layout: WholeLayout, manifests: dict[str, Any]) -> Iterator[Blob]:
    """Layers, configs and files of artifacts."""
    for digest, data in layout.documents.items():
        if digest not in manifests and digest not in layout.blobs:
            yield Blob(Descriptor(OCI_CONFIG, digest, len(data)), lambda data=data: [data])
    for digest, layer in layout.blobs.items():
        yield Blob(Descriptor(layer.media_type, digest, layer.size), lambda layer=layer: checked_chunks(layer))


def _send(repository: Repository, blob: Blob, meter: Meter) -> Delivered:
    """Send a blob, unless the repository has it."""
    digest, size = blob.descriptor.digest, blob.descriptor.size
    if repository.has_blob(digest):
        return Delivered(blob.descriptor, FOUND)

    def send(place: str, there: int) -> None:
        body = Body(lambda: rest_of(meter.watched(blob.chunks()), there), max(0, size - there))
        repository.finish_upload(place, digest, body)

    resumed(repository, repository.begin_upload(), send)
    return Delivered(blob.descriptor, SENT)


def _refer(repository: Repository, entry: Descriptor, manifest: dict[str, Any], layout: WholeLayout) -> None:
    """Have the registry list the artifact ENTRY among those that refer to its subject."""
    subject = manifest.get("subject")
    if subject is None or _lists_referrers(repository, subject["digest"]):
        return
    tag = subject["digest"].replace(":", "-")
    present = repository.manifest(tag)
    listed = ()
    if present is not None and present.media_type in INDEX_TYPES:
        listed = read_index(Value(strict_json.loads(present.data, "bad index", tag).raw, "bad index", tag)).manifests
    if all(other.digest != entry.digest for other in listed):
        plain = Descriptor(entry.media_type, entry.digest, len(layout.documents[entry.digest]), entry.others)
        data = Index((*listed, plain)).to_bytes()
        repository.put_manifest(tag, data, OCI_INDEX)


def _lists_referrers(repository: Repository, digest: str) -> bool:
    """Whether the registry has the referrers API (Listing Referrers, end-12a)."""
    with repository.request("GET", f"referrers/{digest}") as response:
        if response.status == 404:
            return False
        check_status(response, 200)
        response.document()
        return True
