"""The documents ``manifest.json`` and ``repositories``, as written to both of Docker's archives."""

from collections.abc import Sequence

from laminix import strict_json
from laminix.images.oci import sort_keys
from laminix.images.reference import Reference, familiar_name

MANIFEST = "manifest.json"
REPOSITORIES = "repositories"


def manifest_json(config_name: str, layer_names: list[str], references: Sequence[Reference]) -> bytes:
    """Return manifest.json for one image; LAYER_NAMES are member names, base layer first."""
    tags = [reference.familiar() for reference in references if reference.name]
    return strict_json.dumps([{"Config": config_name, "RepoTags": tags or None, "Layers": layer_names}])


def repositories_json(top: str, references: Sequence[Reference]) -> bytes:
    """Return ``repositories``, which maps REFERENCES to the ID of the top layer, TOP."""
    document: dict[str, dict[str, str]] = {}
    for reference in references:
        if reference.name:
            document.setdefault(familiar_name(reference.name), {})[reference.tag] = top
    return strict_json.dumps(sort_keys(document))
