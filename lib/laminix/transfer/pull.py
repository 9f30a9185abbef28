"""Pulling an image from a registry into an OCI layout, every byte as the registry has it."""

import os
from collections.abc import Iterable, Iterator, Sequence

from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.digest import digest_of, new_hash
from laminix.errors import LaminixError
from laminix.forms import image_in
from laminix.forms.oci_layout import INDEX, LAYOUT, LAYOUT_CONTENT, blob_name, name_annotations
from laminix.forms.writing import write_chunks
from laminix.images.image import Image
from laminix.images.oci import INDEX_TYPES, MANIFEST_TYPES, Index, read_index, read_manifest
from laminix.parallel.job_threads import in_threads
from laminix.registry.client import Document, Repository
from laminix.registry.members import RegistryMembers
from laminix.transfer.meter import Meter

DOWNLOADS_AT_ONCE = 4
MAX_DOCUMENTS = 1000  # manifests and indexes below an index; real images have some dozens


def pull_image(members: RegistryMembers, platform: str | None, directory: str) -> Image:
    """Write the image for PLATFORM into the empty DIRECTORY as an OCI layout, with all digests as they are.

    Returns the image in the registry. Raises LaminixError for a blob with a wrong size or digest.
    """
    image = image_in(members, None, platform)
    _write(members, [Document.of(image.manifest_bytes, image.manifest.media_type)], directory)
    return image


def pull_index(members: RegistryMembers, directory: str) -> None:
    """Write the whole index at the address, and all images in it, as ``pull_image`` does."""
    _write(members, _tree(members.repository, members.top), directory)


def _write(members: RegistryMembers, documents: Sequence[Document], directory: str) -> None:
    """Write the layout of DOCUMENTS, of which the first is the one to name."""
    blobs = {blob.digest: blob for document in documents for blob in _blobs(document)}
    meter = Meter("pulling", sum(blob.size for blob in blobs.values()))
    jobs = [lambda blob=blob: _fetch(members.repository, blob, directory, meter) for blob in blobs.values()]
    in_threads(jobs, DOWNLOADS_AT_ONCE, members.repository.registry.connections.abort)
    meter.clear()
    for document in documents:
        write_chunks(os.path.join(directory, blob_name(document.digest)), [document.data])
    _write_index(directory, members, documents[0].descriptor)


def _tree(repository: Repository, top: Document) -> list[Document]:
    """Return the document TOP and all manifests and indexes below it, each once, TOP first."""
    found = {top.digest: top}
    waiting = [top]
    while waiting:
        for descriptor in _children(waiting.pop()):
            if descriptor.digest in found:
                continue
            if len(found) > MAX_DOCUMENTS:
                raise LaminixError("bad index", f"more than {MAX_DOCUMENTS} manifests", repository.place(top.digest))
            document = repository.manifest(descriptor.digest)
            if document is None:
                raise LaminixError("bad index", "a manifest is missing", repository.place(descriptor.digest))
            found[document.digest] = document
            waiting.append(document)
    return list(found.values())


def _children(document: Document) -> list[Descriptor]:
    value = strict_json.loads(document.data, "bad manifest", document.digest)
    if document.media_type not in INDEX_TYPES:
        return []
    return [entry for entry in read_index(value).manifests if entry.media_type in INDEX_TYPES | MANIFEST_TYPES]


def _blobs(document: Document) -> list[Descriptor]:
    """Return the descriptors of the config and the layers of a manifest; none for an index."""
    if document.media_type in INDEX_TYPES:
        return []
    manifest = read_manifest(strict_json.loads(document.data, "bad manifest", document.digest))
    return [manifest.config, *manifest.layers]


def _fetch(repository: Repository, blob: Descriptor, directory: str, meter: Meter) -> None:
    chunks = meter.watched(repository.blob(blob.digest, blob.size))
    write_chunks(os.path.join(directory, blob_name(blob.digest)), _checked(chunks, blob, repository))


def _checked(chunks: Iterable[bytes], blob: Descriptor, repository: Repository) -> Iterator[bytes]:
    """Yield CHUNKS. Raises LaminixError after the last if they have not the blob's digest."""
    state = new_hash(blob.digest)
    for chunk in chunks:
        state.update(chunk)
        yield chunk
    if digest_of(state) != blob.digest:
        why = f"its digest is {digest_of(state)}, expected {blob.digest}"
        raise LaminixError("bad blob", why, repository.place(blob.digest))


def _write_index(directory: str, members: RegistryMembers, top: Descriptor) -> None:
    names = [name_annotations(reference) for reference in members.address.references] or [{}]
    entries = [Descriptor(top.media_type, top.digest, top.size, name) for name in names]
    write_chunks(os.path.join(directory, INDEX), [Index(tuple(entries)).to_bytes()])
    write_chunks(os.path.join(directory, LAYOUT), [LAYOUT_CONTENT])
