"""The contents of a registry of given images: repositories with tags, manifests and blobs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms.blobs import references_of
from laminix.forms.whole_layout import WholeLayout, media_type_of
from laminix.forms.writing import names_config, oci_manifest_bytes
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.images.reference import (
    DEFAULT_DOMAIN,
    DEFAULT_TAG,
    OFFICIAL,
    Reference,
    check_name,
    check_tag,
    familiar_name,
    qualified_name,
)
from laminix.media_types import OCI_MANIFEST
from laminix.registry.client import Document

UNNAMED = "image"  # the repository of an image without a name


@dataclass
class Repository:
    """A repository: the digests of its tags, and its manifests and blobs by digest."""

    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Document] = field(default_factory=dict)
    blobs: dict[str, bytes | StoredLayer] = field(default_factory=dict)

    def manifest(self, reference: str) -> Document | None:
        """Return the manifest that a tag or a digest names; None if absent."""
        return self.manifests.get(self.tags.get(reference, reference))

    def referrers(self, digest: str) -> list[Descriptor]:
        """Return the manifests whose subject has DIGEST (distribution-spec, Listing Referrers)."""
        parsed = [(document, json.loads(document.data)) for document in self.manifests.values()]
        return [
            _referrer(document, manifest)
            for document, manifest in parsed
            if (manifest.get("subject") or {}).get("digest") == digest
        ]


def _referrer(document: Document, manifest: dict[str, Any]) -> Descriptor:
    """Return the descriptor of a manifest in a list of referrers, with its artifact type and annotations."""
    artifact_type = manifest.get("artifactType") or (manifest.get("config") or {}).get("mediaType")
    others = {"artifactType": artifact_type, "annotations": manifest.get("annotations")}
    return replace(document.descriptor, others={key: value for key, value in others.items() if value})


def image_document(image: Image) -> tuple[Document, list[StoredLayer]]:
    """Return the image's manifest, unchanged if it was read with one, and its layers with their digests."""
    layers = [with_digest(layer) for layer in image.layers]
    if names_config(image):
        return Document.of(image.manifest_bytes, image.manifest.media_type), layers
    return Document.of(oci_manifest_bytes(image, layers), OCI_MANIFEST), layers


def catalogue_of(images: Iterable[Image]) -> dict[str, Repository]:
    """Return the repositories of IMAGES by name. An image is in each repository by whose name engines ask for it.

    Raises LaminixError for two images with the same name, and for an invalid name.
    """
    repositories: dict[str, Repository] = {}
    for image in images:
        document, layers = image_document(image)
        for reference in image.references or (Reference("", DEFAULT_TAG),):
            for name in repository_names(reference.name):
                _add(repositories.setdefault(name, Repository()), image, document, layers, name, reference.tag)
    return repositories


def add_layout(repositories: dict[str, Repository], layout: WholeLayout) -> None:
    """Add everything in LAYOUT to REPOSITORIES: each repository that an image or index of it names has all of it.

    Raises LaminixError for a name that another image has, and if nothing is named and there are several images.
    """
    names = [(reference, entry.digest) for entry in layout.entries for reference in references_of(entry)]
    if not names:
        images = [entry.digest for entry in layout.entries if not entry.others.get("artifactType")]
        if len(images) != 1:
            raise LaminixError("cannot serve", f"found {len(images)} images and indexes without a name, expected one")
        names = [(Reference("", DEFAULT_TAG), images[0])]
    manifests = {
        digest: Document(layout.documents[digest], media_type_of(manifest), digest)
        for digest, manifest in layout.manifests.items()
    }
    configs = {digest: data for digest, data in layout.documents.items() if digest not in manifests}
    for reference, digest in names:
        for name in repository_names(reference.name):
            repository = repositories.setdefault(name, Repository())
            _tag(repository, name, reference.tag, digest)
            repository.manifests.update(manifests)
            repository.blobs.update(configs)
            repository.blobs.update(layout.blobs)


def familiar_names(repositories: Mapping[str, Repository]) -> list[str]:
    """Return NAME:TAG of all tags. A repository with two names is listed once, by the shorter name."""
    shorter = {name for name in repositories if name.removeprefix(f"{OFFICIAL}/") not in repositories.keys() - {name}}
    return [f"{name}:{tag}" for name in repositories if name in shorter for tag in repositories[name].tags]


def repository_names(name: str) -> Iterator[str]:
    """Yield the repositories of the image NAME: its path as users write it, then as engines ask a mirror for it."""
    if not name:
        yield UNNAMED
        return
    registry, _, path = qualified_name(check_name(name)).partition("/")
    yield from dict.fromkeys((familiar_name(name), path) if registry == DEFAULT_DOMAIN else (path,))


def _add(
    repository: Repository, image: Image, document: Document, layers: list[StoredLayer], name: str, tag: str
) -> None:
    _tag(repository, name, tag, document.digest)
    repository.manifests[document.digest] = document
    repository.blobs[sha256(image.config_bytes)] = image.config_bytes
    repository.blobs.update({layer.digest: layer for layer in layers})


def _tag(repository: Repository, name: str, tag: str, digest: str) -> None:
    if repository.tags.setdefault(check_tag(tag), digest) != digest:
        raise LaminixError("cannot serve", "two images have this name", f"{name}:{tag}")
