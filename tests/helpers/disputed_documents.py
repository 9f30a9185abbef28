"""Images whose documents programs read in different ways: by name, how to write them, and what becomes of them.

Each is a docker archive that is an OCI layout too, with one gzipped layer and the label ``who``.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from file_trees import tar
from image_forms import ARCHITECTURE, CREATED, OCI, digest, sha256
from raw_tar import END, member

LAYER = tar({"a": b"1"})
BLOB = gzip.compress(LAYER, mtime=0)
Change = Callable[[bytes], bytes]


def unchanged(data: bytes) -> bytes:
    """DATA."""
    return data


def instead(old: str, new: str) -> Change:
    """What replaces OLD by NEW, which has to be there."""

    def change(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode())

    return change


def hybrid(name: str, blob: bytes = BLOB, who: str = "me", **changes: Change) -> dict[str, bytes]:
    """The members of the archive of NAME:v1; CHANGES are of its config, manifest, index and docker (manifest.json)."""
    change = {"config": unchanged, "manifest": unchanged, "index": unchanged, "docker": unchanged, **changes}
    config = change["config"](_json(_config(who)))
    manifest = change["manifest"](_json(_manifest(config, blob)))
    entry = _descriptor("manifest.v1+json", manifest)
    entry["annotations"] = {
        "org.opencontainers.image.ref.name": "v1",
        "io.containerd.image.name": f"docker.io/library/{name}:v1",
    }
    index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [entry]}
    docker = [{"Config": _blob_name(config), "RepoTags": [f"{name}:v1"], "Layers": [_blob_name(blob)]}]
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": change["index"](_json(index)),
        "manifest.json": change["docker"](_json(docker)),
        **{_blob_name(data): data for data in (config, manifest, blob)},
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _blob_name(data: bytes) -> str:
    return f"blobs/sha256/{sha256(data)}"


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": f"{OCI}.{kind}", "digest": digest(data), "size": len(data)}


def _config(who: str) -> dict[str, Any]:
    return {
        "created": CREATED,
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": {"Cmd": ["/x"], "Labels": {"who": who}},
        "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]},
        "history": [{"created_by": "step"}],
    }


def _manifest(config: bytes, blob: bytes) -> dict[str, Any]:
    layers = [_descriptor("layer.v1.tar+gzip", blob)]
    return {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": _descriptor("config.v1+json", config),
        "layers": layers,
    }


def archive(*parts: dict[str, bytes]) -> bytes:
    """A tar with the members of all PARTS; a name that several have is in it several times."""
    return b"".join(member(name.encode(), data) for part in parts for name, data in part.items()) + END


def two_images(name: str) -> bytes:
    """An archive whose index.json and manifest.json call different images NAME:v1."""
    mine, other = hybrid(name), hybrid(name, who="other")
    return archive({**other, **mine, "index.json": other["index.json"]})


def two_members(name: str) -> bytes:
    """An archive with two members manifest.json and two index.json, of different images called NAME:v1."""
    mine, other = hybrid(name), hybrid(name, who="other")
    return archive(other, {key: data for key, data in mine.items() if key not in other or data != other[key]})


@dataclass(frozen=True)
class Case:
    """An image, and how it is read."""

    write: Callable[[str], bytes]  # the archive of an image of that name
    label: str | None = "me"  # the label ``who`` as we read it; None: it is refused
    reported: bool = True  # by verify-image
    others: dict[str, str | None] = field(default_factory=dict)  # engines that read another label, or (None) refuse


def changed(label: str | None = "me", reported: bool = True, others: dict | None = None, **how: Any) -> Case:
    """The case of one image with changes."""
    return Case(lambda name: archive(hybrid(name, **how)), label, reported, others or {})


UPPER = instead('"Labels"', '"LABELS"')
BOMS = ("utf-8-sig", "utf-16", "utf-16-le")


def encoded(encoding: str) -> Change:
    """What writes a document in ENCODING."""
    return lambda data: data.decode().encode(encoding)


CASES = {
    "an ordinary image": changed(reported=False),
    "one name, two images": Case(
        two_images, others={"docker-containerd": "other", "podman": "other", "skopeo-oci": "other"}
    ),
    "two members of one name": Case(two_members, others={"skopeo-docker": "other"}),
    "a diff ID that is the digest of the gzipped layer": changed(
        config=instead(digest(LAYER), digest(BLOB)),
        others={"docker": None, "docker-containerd": None, "podman": None, "skopeo-docker": None},
    ),
    "keys in another case": changed(config=lambda data: UPPER(instead('"rootfs"', '"ROOTFS"')(data))),
    "keys of a manifest in another case": changed(manifest=instead('"layers"', '"LAYERS"')),
    "keys of an index in another case": changed(index=instead('"manifests"', '"Manifests"')),
    "keys of manifest.json in another case": changed(docker=instead('"Layers"', '"layers"')),
    "a key with the long s": changed(config=instead('"os"', '"o\u017f"')),
    "two keys that differ in case, the exact one first": changed(
        config=instead('"Labels":{"who":"me"}', '"Labels":{"who":"other"},"LABELS":{"who":"me"}')
    ),
    "two keys that differ in case, the exact one last": changed(
        config=instead('"Labels":{"who":"me"}', '"LABELS":{"who":"other"},"Labels":{"who":"me"}')
    ),
    "one key twice": changed(config=instead('"Labels":{"who":"me"}', '"Labels":{"who":"other"},"Labels":{"who":"me"}')),
    "an object twice": changed(config=instead('"Labels":{', '"Labels":{"who":"me"},"Labels":{"one":"1"},"Labels":{')),
    "a null after a value": changed(config=instead('"os":"linux"', '"os":"linux","os":null')),
    "nulls": changed(
        reported=False,
        config=instead('"Cmd":["/x"]', '"Cmd":["/x"],"Env":null,"Entrypoint":null,"ExposedPorts":null,"User":null'),
        manifest=instead('"layers"', '"annotations":null,"layers"'),
    ),
    "no history": changed(reported=False, config=instead('"history":[{"created_by":"step"}]', '"history":null')),
    "a null in a list of strings": changed(reported=False, config=instead('"Cmd":["/x"]', '"Cmd":["/x",null]')),
    "a byte that is not UTF-8": changed(label="me\ufffd", config=lambda data: data.replace(b'"me"', b'"me\xff"')),
    "half a surrogate pair": changed(
        label="me\ufffd", reported=False, config=lambda data: data.replace(b'"me"', b'"me\\ud800"')
    ),
    "zeros behind a gzipped layer": changed(blob=BLOB + bytes(512), others={"skopeo-docker": None}),
    "a layer of two gzip members": changed(
        reported=False, blob=gzip.compress(LAYER[:512], mtime=0) + gzip.compress(LAYER[512:], mtime=0)
    ),
    # podman falls back to the layout.
    **{
        f"manifest.json in {name}": changed(None, docker=encoded(name), others={"podman": "me", "skopeo-oci": "me"})
        for name in BOMS
    },
    # Last: a dockerd with containerd's store that has loaded such an image cannot list images any more.
    **{f"a config in {name}": changed(None, config=encoded(name)) for name in BOMS},
}
