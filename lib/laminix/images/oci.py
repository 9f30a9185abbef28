"""Manifests, configs and indexes: what an image is made of besides its layers (OCI image-spec 1.1).

Docker's own forms of them (image manifest version 2, schema 2) are read as well: they differ in media
types only.  Fields that nobody knows are kept, so that what was read is written again whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from laminix import media_types
from laminix import strict_json
from laminix.descriptor import Descriptor, read_descriptor
from laminix.digest import read_digest
from laminix.errors import LaminixError
from laminix.images.platform import Platform, read_platform
from laminix.images.runtime_config import check_types
from laminix.strict_json import Value

MOST_LAYERS = 125  # dockerd's classic store refuses one more: "max depth exceeded"

MANIFEST_TYPES = frozenset({media_types.OCI_MANIFEST, media_types.DOCKER_MANIFEST})
INDEX_TYPES = frozenset({media_types.OCI_INDEX, media_types.DOCKER_INDEX})
# The last is what early registries gave for a config of Docker's.
CONFIG_TYPES = frozenset({media_types.OCI_CONFIG, media_types.DOCKER_CONFIG, "application/octet-stream"})

TAG_ANNOTATION = "org.opencontainers.image.ref.name"
NAME_ANNOTATION = "io.containerd.image.name"


@dataclass(frozen=True)
class Manifest:
    """An image manifest (manifest.md): which config, which layers, base layer first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = field(default_factory=dict)
    media_type: str = media_types.OCI_MANIFEST
    others: dict[str, Any] = field(default_factory=dict)  # what else stood there

    def to_bytes(self) -> bytes:
        """The manifest as JSON: the spec's keys in the spec's order, annotations sorted."""
        document = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.annotations:
            document["annotations"] = in_order(self.annotations)
        return strict_json.dumps(document | self.others)


@dataclass(frozen=True)
class Index:
    """An image index (image-index.md): manifests, or more indexes, to choose from."""

    manifests: tuple[Descriptor, ...]
    annotations: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The index as JSON."""
        document = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_INDEX,
            "manifests": [manifest.to_json() for manifest in self.manifests],
        }
        if self.annotations:
            document["annotations"] = in_order(self.annotations)
        return strict_json.dumps(document)


@dataclass(frozen=True)
class Config:
    """An image config (config.md): the whole JSON document, unknown fields and all.

    Its properties have been checked when it was read; missing and null ones are empty.
    """

    raw: dict[str, Any]

    @property
    def platform(self) -> Platform:
        """What the image runs on (an absent one, as in images of before 1.10, is left empty)."""
        return Platform(*(self.raw.get(key) or "" for key in ("os", "architecture", "variant")))

    @property
    def created(self) -> str | None:
        """When the image was made, in RFC 3339."""
        return self.raw.get("created")

    @property
    def runtime(self) -> dict[str, Any]:
        """How to run it: the ``config`` object (Env, Cmd, ...)."""
        return self.raw.get("config") or {}

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """One diff ID a layer, base layer first."""
        return tuple(self.raw["rootfs"]["diff_ids"] or ())

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """How it came about, oldest first; entries with ``empty_layer`` have no layer."""
        return tuple(self.raw.get("history") or ())

    def to_bytes(self) -> bytes:
        """The config as JSON, in the order of its keys."""
        return strict_json.dumps(self.raw)


def make_config(
    platform: Platform,
    created: str,
    runtime: dict[str, Any],
    diff_ids: Sequence[str],
    history: Sequence[dict[str, Any]],
) -> Config:
    """A config of these, its keys in the spec's order."""
    document = {"created": created, "architecture": platform.architecture, "os": platform.os}
    if platform.variant:
        document["variant"] = platform.variant
    return Config(
        document
        | {
            "config": in_order(runtime),
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": list(history),
        }
    )


def check_layer_count(count: int) -> None:
    """Raises LaminixError where an image of COUNT layers would not load everywhere."""
    if count > MOST_LAYERS:
        why = f"{count} layers, but engines take at most {MOST_LAYERS}; put more store paths into one layer"
        raise LaminixError("too many layers", why)


def layer_history(config: Config) -> list[dict[str, Any]] | None:
    """The history entry of each layer, base layer first; None where the entries do not fit the layers."""
    entries = [entry for entry in config.history if not entry.get("empty_layer")]
    return entries if len(entries) == len(config.diff_ids) else None


def in_order(value: Any) -> Any:
    """The JSON value with the keys of all objects in it sorted."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [in_order(element) for element in value]
    return value


# Reading.


def read_manifest(value: Value) -> Manifest:
    """The image manifest in VALUE; raises LaminixError for anything else, an artifact's included."""
    _check_schema(value)
    media_type = value.get("mediaType")
    if media_type and media_type.text() not in MANIFEST_TYPES:
        raise media_type.error(f"found {media_type.raw!r}, expected an image manifest's media type")
    config = read_descriptor(value["config"])
    if config.media_type not in CONFIG_TYPES:
        raise value.error(f"config.mediaType is {config.media_type!r}: an artifact, no image")
    annotations = value.get("annotations")
    known = ("schemaVersion", "mediaType", "config", "layers", "annotations")
    return Manifest(
        config=config,
        layers=tuple(read_descriptor(layer) for layer in value["layers"]),
        annotations=annotations.text_map() if annotations else {},
        media_type=media_type.raw if media_type else media_types.OCI_MANIFEST,
        others={key: member.raw for key, member in value.items() if key not in known},
    )


def read_index(value: Value) -> Index:
    """The index in VALUE; raises LaminixError for anything else."""
    _check_schema(value)
    media_type = value.get("mediaType")
    if media_type and media_type.text() not in INDEX_TYPES:
        raise media_type.error(f"found {media_type.raw!r}, expected an index's media type")
    annotations = value.get("annotations")
    return Index(
        manifests=tuple(_read_entry(entry) for entry in value["manifests"]),
        annotations=annotations.text_map() if annotations else {},
    )


def _read_entry(value: Value) -> Descriptor:
    """An index's entry, its platform and annotations checked too."""
    platform, annotations = value.get("platform"), value.get("annotations")
    if platform:
        read_platform(platform)
    if annotations:
        annotations.text_map()
    return read_descriptor(value)


def _check_schema(value: Value) -> None:
    version = value["schemaVersion"]
    if version.number() == 1:
        remedy = "copy the image with skopeo copy --format v2s2"
        raise version.error(f"found schema 1, which was given up in 2017; {remedy}")
    if version.raw != 2:
        raise version.error(f"found {version.raw}, expected 2")


def read_config(value: Value) -> Config:
    """The image config in VALUE, every known field checked; raises LaminixError by JSON path."""
    for key in ("architecture", "os", "variant", "created", "author"):
        if value.get(key):
            value[key].text()
    runtime, history = value.get("config"), value.get("history")
    if runtime:
        check_types(runtime)
    for diff_id in value["rootfs"].get("diff_ids") or ():
        read_digest(diff_id)
    for entry in history or ():
        _check_fields(entry, HISTORY_FIELDS)
    return Config(value.raw)


def _check_fields(value: Value, fields: dict[str, Callable[[Value], Any]]) -> None:
    for key, member in value.items():
        if key in fields and member.raw is not None:
            fields[key](member)


def _boolean(value: Value) -> bool:
    return value.expect(bool)


HISTORY_FIELDS = {
    "created": Value.text,
    "created_by": Value.text,
    "author": Value.text,
    "comment": Value.text,
    "empty_layer": _boolean,
}
