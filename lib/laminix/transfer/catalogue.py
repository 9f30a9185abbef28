"""The contents of a registry of given images: repositories with tags, manifests and blobs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from laminix.digest import sha256
from laminix.errors import LaminixError
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
    if repository.tags.setdefault(check_tag(tag), document.digest) != document.digest:
        raise LaminixError("cannot serve", "two images have this name", f"{name}:{tag}")
    repository.manifests[document.digest] = document
    repository.blobs[sha256(image.config_bytes)] = image.config_bytes
    repository.blobs.update({layer.digest: layer for layer in layers})
