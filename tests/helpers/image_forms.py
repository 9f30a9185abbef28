"""An image written out in every form that other tools write, as their specifications describe them.

Docker's archives follow its image specifications v1 (before 1.10: a linked list of layers), v1.1 and
v1.2 (from 1.10: a manifest.json beside it); OCI layouts follow image-spec image-layout.md.
"""

import gzip
import hashlib
import json
import platform
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from file_trees import DIRECTORY, FileTree, HardLink, Link

OCI = "application/vnd.oci.image"
CREATED = "2015-01-01T00:00:00Z"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Image:
    """An image in no particular form: its layers as tars, base layer first, and its config."""

    layers: tuple[bytes, ...]
    runtime: dict[str, Any] = field(default_factory=dict)  # the member "config" of the config
    name: str = "parent"
    tag: str = "v1"
    history: tuple[dict[str, Any], ...] | None = None  # None: one entry a layer
    more: dict[str, Any] = field(default_factory=dict)  # further members of the config
    architecture: str = ARCHITECTURE

    @property
    def diff_ids(self) -> list[str]:
        """The digests of the layers' tars."""
        return [digest(layer) for layer in self.layers]

    def config(self) -> bytes:
        """The config as stored; the key history is left out where the history is empty."""
        return encode(
            {
                "created": CREATED,
                "architecture": self.architecture,
                "os": "linux",
                "config": self.runtime,
                "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
                **({"history": list(self.entries)} if self.entries else {}),
                **self.more,
            }
        )

    @property
    def entries(self) -> tuple[dict[str, Any], ...]:
        """The history as it stands in the config."""
        if self.history is not None:
            return self.history
        return tuple({"created_by": f"step {index}"} for index in range(len(self.layers)))

    def steps(self) -> list[str]:
        """The ``created_by`` of each history entry; one empty string a layer where there is no history."""
        return [entry["created_by"] for entry in self.entries] or [""] * len(self.layers)


def encode(value: Any) -> bytes:
    """VALUE as JSON."""
    return json.dumps(value).encode()


def digest(data: bytes) -> str:
    """The digest of DATA."""
    return f"sha256:{sha256(data)}"


def sha256(data: bytes) -> str:
    """The hexadecimal digits of the digest of DATA."""
    return hashlib.sha256(data).hexdigest()


EMPTY_LAYER = bytes(1024)  # the two zero blocks that end a tar, and nothing before them


# Compressions of a layer's blob.


def plain(layer: bytes) -> tuple[str, bytes]:
    """The media type's suffix and the blob of an uncompressed layer."""
    return "", layer


def gzipped(layer: bytes) -> tuple[str, bytes]:
    """The media type's suffix and the blob of a layer compressed with gzip."""
    return "+gzip", gzip.compress(layer, mtime=0)


def zstandard(layer: bytes) -> tuple[str, bytes]:
    """The media type's suffix and the blob of a layer compressed with zstd."""
    return "+zstd", subprocess.run(["zstd", "-q", "-c"], input=layer, capture_output=True, check=True).stdout


def mixed(layer: bytes) -> tuple[str, bytes]:
    """Plain, gzip or zstd, chosen by the layer's digest."""
    return (plain, gzipped, zstandard)[int(sha256(layer)[:8], 16) % 3](layer)


Compression = Callable[[bytes], tuple[str, bytes]]


# Docker's archives, their members in the order in which Docker writes them: by name.


def docker_v1(image: Image) -> FileTree:
    """As ``docker save`` wrote before 1.10: per layer a directory that names its parent, and repositories."""
    ids = _v1_ids(image)
    repositories = {"repositories": encode({image.name: {image.tag: ids[-1]}})}
    return by_name(_v1_directories(image, ids, linked=True) | repositories)


def docker_v1_1(*images: Image, linked: bool = True) -> FileTree:
    """As ``docker save`` wrote from 1.10 to 24: the linked list, and manifest.json with its own list.

    Without LINKED the layers name no parent.
    """
    members: FileTree = {}
    entries, repositories = [], {}
    for image in images:
        ids = _v1_ids(image)
        members |= _v1_directories(image, ids, linked) | _config_member(image)
        entries.append(_entry(image, [f"{layer_id}/layer.tar" for layer_id in ids]))
        repositories[image.name] = {image.tag: ids[-1]}
    return by_name(members | {"manifest.json": encode(entries), "repositories": encode(repositories)})


def with_links(image: Image, link: type) -> FileTree:
    """As docker_v1_1, with the second of two equal layers as a link (symbolic or hard) to the first."""
    members = docker_v1_1(image)
    first: dict[bytes, str] = {}
    for name in [f"{layer_id}/layer.tar" for layer_id in _v1_ids(image)]:
        earlier = first.setdefault(members[name], name)
        if earlier != name:
            # Where a symbolic link leads depends on where it is; where a hard link leads does not.
            del members[name]
            members[name] = Link(f"../{earlier}") if link is Link else HardLink(earlier)
    return members


def nixpkgs(image: Image, compression: Compression = plain) -> FileTree:
    """As nixpkgs' buildLayeredImage writes: a directory a layer, named by its digest, and manifest.json."""
    blobs = [compression(layer)[1] for layer in image.layers]
    names = [f"{sha256(blob)}/layer.tar" for blob in blobs]
    layers = dict(zip(names, blobs, strict=True))
    return layers | _config_member(image) | {"manifest.json": encode([_entry(image, names)])}


def docker_oci(image: Image, compression: Compression = plain) -> FileTree:
    """As ``docker save`` writes since 25: an OCI layout, with manifest.json beside it."""
    layers = [f"blobs/sha256/{sha256(compression(layer)[1])}" for layer in image.layers]
    entry = _entry(image, layers) | {"Config": f"blobs/sha256/{sha256(image.config())}"}
    names = {"io.containerd.image.name": f"docker.io/library/{image.name}:{image.tag}"}
    return by_name(oci_layout(image, compression, names) | {"manifest.json": encode([entry])})


def by_name(members: FileTree) -> FileTree:
    """The entries, sorted by name."""
    return dict(sorted(members.items()))


def _v1_ids(image: Image) -> list[str]:
    """An ID for each layer, which is not the digest of anything in the layer."""
    return [sha256(f"{image.name}:{image.tag} {index}".encode()) for index in range(len(image.layers))]


def _v1_directories(image: Image, ids: list[str], linked: bool) -> FileTree:
    members: FileTree = {}
    for index, (layer_id, layer) in enumerate(zip(ids, image.layers, strict=True)):
        members |= {
            layer_id: DIRECTORY,
            f"{layer_id}/VERSION": b"1.0",
            f"{layer_id}/json": encode(_v1_json(image, ids, index, linked)),
            f"{layer_id}/layer.tar": layer,
        }
    return members


def _v1_json(image: Image, ids: list[str], index: int, linked: bool) -> dict[str, Any]:
    parent = {"parent": ids[index - 1]} if linked and index else {}
    top = index == len(ids) - 1
    return {
        "id": ids[index],
        **parent,
        "created": CREATED,
        "docker_version": "1.9.1",
        "container_config": {"Cmd": ["/bin/sh", "-c", f"step {index}"]},
        "config": image.runtime if top else {},
        "architecture": image.architecture,
        "os": "linux",
        "Size": len(image.layers[index]),
    }


def _config_member(image: Image) -> FileTree:
    return {f"{sha256(image.config())}.json": image.config()}


def _entry(image: Image, layers: Iterable[str]) -> dict[str, Any]:
    return {
        "Config": f"{sha256(image.config())}.json",
        "RepoTags": [f"{image.name}:{image.tag}"],
        "Layers": list(layers),
    }


# OCI layouts and skopeo's directories.


def oci_layout(image: Image, compression: Compression = plain, names: dict[str, str] | None = None) -> FileTree:
    """A layout with one image, by its tag, and by further annotations in NAMES."""
    descriptor, blobs = oci_image(image, compression)
    annotations = {"org.opencontainers.image.ref.name": image.tag, **(names or {})}
    return _layout([{**descriptor, "annotations": annotations}], blobs)


def oci_index(images: Iterable[Image], compression: Compression = plain, nested: bool = False) -> FileTree:
    """A layout with an index of one image a platform; NESTED: that index is in another."""
    blobs: FileTree = {}
    manifests = []
    for image in images:
        descriptor, more = oci_image(image, compression)
        blobs |= more
        manifests.append({**descriptor, "platform": {"architecture": image.architecture, "os": "linux"}})
    descriptor = _index_blob(manifests, blobs)
    if nested:
        descriptor = _index_blob([descriptor], blobs)
    return _layout([{**descriptor, "annotations": {"org.opencontainers.image.ref.name": "v1"}}], blobs)


def _index_blob(manifests: list[dict[str, Any]], blobs: FileTree) -> dict[str, Any]:
    index = encode({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests})
    return _blob(f"{OCI}.index.v1+json", index, blobs)


def oci_image(image: Image, compression: Compression) -> tuple[dict[str, Any], FileTree]:
    """The descriptor of the image's manifest, and its blobs."""
    blobs: FileTree = {}
    config = _blob(f"{OCI}.config.v1+json", image.config(), blobs)
    layers = []
    for layer in image.layers:
        suffix, data = compression(layer)
        layers.append(_blob(f"{OCI}.layer.v1.tar{suffix}", data, blobs))
    manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": layers}
    return _blob(f"{OCI}.manifest.v1+json", encode(manifest), blobs), blobs


def _blob(media_type: str, data: bytes, blobs: FileTree) -> dict[str, Any]:
    """The descriptor of DATA, which is put among BLOBS."""
    blobs[f"blobs/sha256/{sha256(data)}"] = data
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def dir_transport(image: Image, compression: Compression = plain) -> FileTree:
    """As skopeo writes ``dir:``."""
    descriptor, blobs = oci_image(image, compression)
    named = {name.removeprefix("blobs/sha256/"): data for name, data in blobs.items()}
    manifest = named.pop(descriptor["digest"].removeprefix("sha256:"))
    return {**named, "manifest.json": manifest, "version": b"Directory Transport Version: 1.1\n"}


def _layout(manifests: list[dict[str, Any]], blobs: FileTree) -> FileTree:
    index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests}
    return {
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": encode(index),
        **blobs,
    }
