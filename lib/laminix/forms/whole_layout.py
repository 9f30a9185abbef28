"""An OCI image layout as a whole: all images, indexes and artifacts in it, unchanged (image-layout.md)."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from laminix import media_types, strict_json
from laminix.descriptor import Descriptor, read_descriptor
from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms import archive_writer, oci_layout
from laminix.forms.blobs import MAX_INDEX_DEPTH, Blobs, check_stored_size, image_of_manifest, is_image, references_of
from laminix.forms.choice import CANNOT_SELECT, is_called
from laminix.forms.form import Form
from laminix.forms.members import BAD_IMAGE, Members
from laminix.forms.writing import copy_layer, oci_manifest_bytes, write_chunks
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import checked_chunks, with_digest
from laminix.images.oci import CONFIG_TYPES, INDEX_TYPES, Index, read_index, read_manifest
from laminix.images.reference import Reference, split_tag
from laminix.strict_json import Value
from laminix.tar.writer import END

BAD_MANIFEST = "bad manifest"


@dataclass(frozen=True)
class WholeLayout:
    """Everything in a layout."""

    entries: tuple[Descriptor, ...]  # of index.json
    documents: dict[str, bytes]  # by digest: indexes, manifests and configs
    blobs: dict[str, StoredLayer]  # by digest: layers of images, and blobs of artifacts, whose diff ID is the digest

    @property
    def size(self) -> int:
        """The bytes of all blobs."""
        return sum(blob.size for blob in self.blobs.values())

    @property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """The documents that are manifests or indexes, parsed, by digest. The others are configs."""
        parsed = {digest: strict_json.loads(data, BAD_MANIFEST).raw for digest, data in self.documents.items()}
        return {
            digest: raw
            for digest, raw in parsed.items()
            if isinstance(raw, dict) and ("layers" in raw or "manifests" in raw)
        }

    def united(self, other: "WholeLayout") -> "WholeLayout":
        """Both layouts as one, the entries of OTHER last."""
        documents, blobs = self.documents | other.documents, self.blobs | other.blobs
        return WholeLayout(self.entries + other.entries, documents, blobs)


def media_type_of(manifest: Mapping[str, Any]) -> str:
    """The media type of a parsed manifest or index: its own, or OCI's if it has none."""
    return manifest.get("mediaType") or (media_types.OCI_INDEX if "manifests" in manifest else media_types.OCI_MANIFEST)


# Reading.


def read_whole_layout(members: Members) -> WholeLayout:
    """Everything in the layout MEMBERS.

    Raises LaminixError for another form, for a missing manifest or blob, and for a wrong digest of a document.
    """
    if not oci_layout.recognises(members):
        why = "expected an OCI layout: other forms contain neither several platforms nor artifacts"
        raise LaminixError(BAD_IMAGE, why, members.place)
    entries = oci_layout.read_layout_index(members).manifests
    layout = WholeLayout(entries, {}, {})
    _collect(oci_layout.layout_blobs(members), entries, layout, 0)
    return layout


def _collect(blobs: Blobs, descriptors: Iterable[Descriptor], layout: WholeLayout, depth: int) -> None:
    """Add to LAYOUT what DESCRIPTORS point to, and all below it."""
    if depth > MAX_INDEX_DEPTH:
        raise LaminixError(
            "bad index", f"indexes are nested too deeply (limit {MAX_INDEX_DEPTH} levels)", blobs.members.place
        )
    for descriptor in descriptors:
        if descriptor.digest in layout.documents:
            continue
        data, value = blobs.document(descriptor, BAD_MANIFEST)
        layout.documents[descriptor.digest] = data
        if descriptor.media_type in INDEX_TYPES:
            _collect(blobs, read_index(value).manifests, layout, depth + 1)
        elif is_image(descriptor) and value["config"]["mediaType"].raw in CONFIG_TYPES:
            _add_image(layout, image_of_manifest(blobs, data, read_manifest(value), ()))
        else:
            _add_artifact(blobs, value, layout)


def _add_image(layout: WholeLayout, image: Image) -> None:
    layout.documents[sha256(image.config_bytes)] = image.config_bytes
    layout.blobs.update((layer.digest, layer) for layer in image.layers)


def _add_artifact(blobs: Blobs, manifest: Value, layout: WholeLayout) -> None:
    for value in (manifest["config"], *manifest["layers"]):
        descriptor = read_descriptor(value)
        layout.blobs[descriptor.digest] = _blob(blobs, descriptor)


def _blob(blobs: Blobs, descriptor: Descriptor) -> StoredLayer:
    name, members = blobs.name_of(descriptor.digest), blobs.members
    blob = stored_blob(descriptor, members.location(name), partial(members.open, name), members.file(name))
    check_stored_size(blob, members.size(name))
    return blob


def stored_blob(descriptor: Descriptor, location: str, open_, file: str | None) -> StoredLayer:
    """A blob of an artifact, whose bytes are checked like those of a layer."""
    media_type, digest, size = descriptor.media_type, descriptor.digest, descriptor.size
    return StoredLayer(digest, media_type, size, digest, location, open_, file)


def index_in(layout: WholeLayout, image: str | None, place: str) -> Descriptor:
    """What points to the index that LAYOUT has, or to the one called IMAGE (NAME[:TAG]). PLACE is for messages.

    Raises LaminixError unless there is exactly one.
    """
    found = {entry.digest: entry for entry in layout.entries if entry.media_type in INDEX_TYPES}
    if image is not None:
        name, tag = split_tag(image)
        called = {
            entry.digest for entry in layout.entries if any(is_called(r, name, tag) for r in references_of(entry))
        }
        found = {digest: entry for digest, entry in found.items() if digest in called}
    if len(found) != 1:
        why = f"found {len(found)} indexes{f' called {image}' if image else ''}, expected one; choose it with --image"
        raise LaminixError(CANNOT_SELECT, why, place)
    return next(iter(found.values()))


# Making.


def layout_of_image(image: Image) -> WholeLayout:
    """The layout of IMAGE alone, in an entry with its platform; its manifest stays as it is if it is OCI's."""
    layers = [with_digest(layer) for layer in image.layers]
    manifest = oci_manifest_bytes(image, layers)
    platform = image.config.platform
    fields = {"architecture": platform.architecture, "os": platform.os, "variant": platform.variant}
    others = {"platform": {key: value for key, value in fields.items() if value}}
    entry = Descriptor(media_types.OCI_MANIFEST, sha256(manifest), len(manifest), others)
    documents = {entry.digest: manifest, sha256(image.config_bytes): image.config_bytes}
    return WholeLayout((entry,), documents, {layer.digest: layer for layer in layers})


def named_entries(descriptor: Descriptor, references: Sequence[Reference]) -> tuple[Descriptor, ...]:
    """An entry that points to DESCRIPTOR for each of REFERENCES, or one without a name."""
    names = [oci_layout.name_annotations(reference) for reference in references] or [{}]
    return tuple(replace(descriptor, others={**descriptor.others, **name}) for name in names)


# Writing.


def write_linked(directory: str, layout: WholeLayout) -> None:
    """Write LAYOUT into DIRECTORY, which is empty, as an image directory: blobs in the store become links."""
    for layer in layout.blobs.values():
        oci_layout.write_layer(directory, layer)
    _write_documents(directory, layout)


def write_self_contained(directory: str, layout: WholeLayout) -> None:
    """Write LAYOUT into DIRECTORY, which is empty. Raises LaminixError for a blob with a wrong digest."""
    for layer in layout.blobs.values():
        copy_layer(layer, os.path.join(directory, oci_layout.blob_name(layer.digest)))
    _write_documents(directory, layout)


def _write_documents(directory: str, layout: WholeLayout) -> None:
    for name, data in _documents(layout):
        write_chunks(os.path.join(directory, name), [data])


def _documents(layout: WholeLayout) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all documents, those that every reader looks at first."""
    yield oci_layout.LAYOUT, oci_layout.LAYOUT_CONTENT
    yield oci_layout.INDEX, Index(layout.entries).to_bytes()
    for digest, data in layout.documents.items():
        if digest not in layout.blobs:  # one document may be another's blob
            yield oci_layout.blob_name(digest), data


def layout_archive(layout: WholeLayout) -> Iterator[bytes]:
    """LAYOUT as a tar, documents first. Raises LaminixError, at its end, for a blob with a wrong digest."""
    documents = dict(_documents(layout))
    for name in (oci_layout.LAYOUT, oci_layout.INDEX):
        yield archive_writer.document(name, documents.pop(name))
    yield archive_writer.directory("blobs")
    algorithms = {digest.partition(":")[0] for digest in layout.documents | layout.blobs}
    yield from (archive_writer.directory(f"blobs/{algorithm}") for algorithm in sorted(algorithms))
    yield from (archive_writer.document(name, data) for name, data in documents.items())
    for layer in layout.blobs.values():
        yield from archive_writer.file(oci_layout.blob_name(layer.digest), layer.size, checked_chunks(layer))
    yield END


def _image_archive(image: Image, references: Sequence[Reference]) -> Iterator[bytes]:
    """The OCI layout of IMAGE, called REFERENCES, as a tar."""
    layout = layout_of_image(image)
    (entry,) = layout.entries
    plain = Descriptor(entry.media_type, entry.digest, entry.size)
    return layout_archive(WholeLayout(named_entries(plain, references), layout.documents, layout.blobs))


FORM = Form("oci-archive", archive=_image_archive)
