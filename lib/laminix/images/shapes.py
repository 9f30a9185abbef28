"""The shapes of an image's documents, for ``image_json``: which keys engines know, and what has keys that are data.

Sources: OCI image-spec (image-index.md, manifest.md, config.md, descriptor.md, image-layout.md), Docker's image
specifications v1 to v1.3.
"""

from laminix.image_json import TEXT, Map, Shape
from laminix.images.runtime_config import RUNTIME_FIELDS

TEXTS: Shape = [TEXT]
SET: Shape = Map(None)

PLATFORM: Shape = dict.fromkeys(("architecture", "os", "os.version", "variant")) | {"os.features": TEXTS}

DESCRIPTOR: Shape = dict.fromkeys(("mediaType", "digest", "size", "data", "artifactType")) | {
    "urls": TEXTS,
    "annotations": Map(TEXT),
    "platform": PLATFORM,
}

MANIFEST: Shape = {
    "schemaVersion": None,
    "mediaType": None,
    "artifactType": None,
    "config": DESCRIPTOR,
    "layers": [DESCRIPTOR],
    "subject": DESCRIPTOR,
    "annotations": Map(TEXT),
}

INDEX: Shape = {
    "schemaVersion": None,
    "mediaType": None,
    "artifactType": None,
    "manifests": [DESCRIPTOR],
    "subject": DESCRIPTOR,
    "annotations": Map(TEXT),
}

RUNTIME: Shape = dict.fromkeys(RUNTIME_FIELDS) | {
    "ExposedPorts": SET,
    "Env": TEXTS,
    "Entrypoint": TEXTS,
    "Cmd": TEXTS,
    "Volumes": SET,
    "Labels": Map(TEXT),
    "Shell": TEXTS,
    "OnBuild": TEXTS,
}

# Before Docker 1.10 the same document was the json of a layer, which names its parent.
CONFIG: Shape = dict.fromkeys(
    ("id", "parent", "created", "author", "comment", "architecture", "os", "os.version", "variant", "docker_version")
) | {
    "os.features": TEXTS,
    "config": RUNTIME,
    "container_config": RUNTIME,
    "rootfs": {"type": None, "diff_ids": TEXTS},
    "history": [dict.fromkeys(("created", "created_by", "author", "comment", "empty_layer"))],
}

LAYOUT: Shape = {"imageLayoutVersion": None}

DOCKER_MANIFEST: Shape = [{"Config": None, "RepoTags": TEXTS, "Layers": TEXTS, "Parent": None}]
REPOSITORIES: Shape = Map(Map(TEXT))
