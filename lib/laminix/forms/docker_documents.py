"""The documents ``manifest.json`` and ``repositories``, as written to both of Docker's archives."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from laminix import strict_json
from laminix.images.oci import sort_keys
from laminix.images.reference import Reference, familiar_name

MANIFEST = "manifest.json"
REPOSITORIES = "repositories"


def starts_object(document: bytes) -> bool:
    """Return whether the manifest.json DOCUMENT is an object, as in ``dir:``; a docker archive's is a list."""
    return document.lstrip(b" \t\r\n").startswith(b"{")


class Listed(NamedTuple):
    """An image as the documents list it."""

    config: str  # member name
    layers: list[str]  # member names, base layer first
    top: str  # ID of the top layer
    references: Sequence[Reference]


def manifest_json(images: Iterable[Listed]) -> bytes:
    """Return manifest.json for IMAGES."""
    return strict_json.dumps([_manifest_entry(image) for image in images])


def _manifest_entry(image: Listed) -> dict[str, Any]:
    tags = [reference.familiar() for reference in image.references if reference.name]
    return {"Config": image.config, "RepoTags": tags or None, "Layers": image.layers}


def repositories_json(images: Iterable[Listed]) -> bytes:
    """Return ``repositories``, which maps the names of IMAGES to the IDs of their top layers."""
    document: dict[str, dict[str, str]] = {}
    for image in images:
        for reference in image.references:
            if reference.name:
                document.setdefault(familiar_name(reference.name), {})[reference.tag] = image.top
    return strict_json.dumps(sort_keys(document))
