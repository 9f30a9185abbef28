"""Image directories: read the index, the manifest, the config and the blobs in them."""

import hashlib
import json
from pathlib import Path
from typing import Any


def blob_path(image: Path, digest: str) -> Path:
    """The path of the blob with DIGEST."""
    return image / "blobs" / digest.replace(":", "/")


def blob(image: Path, digest: str) -> bytes:
    """The bytes of the blob with DIGEST, which must be their digest."""
    data = blob_path(image, digest).read_bytes()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
    return data


def index(image: Path) -> dict[str, Any]:
    """The image directory's index.json."""
    return json.loads((image / "index.json").read_bytes())


def manifest(image: Path) -> dict[str, Any]:
    """The manifest that the first entry of the index names."""
    return json.loads(blob(image, index(image)["manifests"][0]["digest"]))


def config(image: Path) -> dict[str, Any]:
    """The config that this manifest names."""
    return json.loads(blob(image, manifest(image)["config"]["digest"]))
