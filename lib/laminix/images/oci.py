"""Manifests, configs and indexes (OCI image-spec 1.1).

Docker's versions (image manifest version 2, schema 2) are read too; only their media types differ. Unknown fields
are kept, so that a document can be written back without loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from laminix import media_types, strict_json
from laminix.descriptor import Descriptor, read_descriptor
from laminix.digest import read_digest
from laminix.errors import LaminixError
from laminix.images.platform import Platform, read_platform
from laminix.images.runtime_config import check_types
from laminix.strict_json import Value

MAX_LAYERS = 125  # with one more, dockerd's classic store fails: "max depth exceeded"

MANIFEST_TYPES = frozenset({media_types.OCI_MANIFEST, media_types.DOCKER_MANIFEST})
INDEX_TYPES = frozenset({media_types.OCI_INDEX, media_types.DOCKER_INDEX})
# Early registries served Docker's configs with the last of these types.
CONFIG_TYPES = frozenset({media_types.OCI_CONFIG, media_types.DOCKER_CONFIG, "application/octet-stream"})

TAG_ANNOTATION = "org.opencontainers.image.ref.name"
NAME_ANNOTATION = "io.containerd.image.name"


@dataclass(frozen=True)
class Manifest:
    """An image manifest (manifest.md)."""

    config: Descriptor
    layers: tuple[Descriptor, ...]  # base layer first
    annotations: dict[str, str] = field(default_factory=dict)
    media_type: str = media_types.OCI_MANIFEST
    others: dict[str, Any] = field(default_factory=dict)  # unknown keys, written back unchanged

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON: keys in the order of the specification, annotations sorted."""
        document = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.annotations:
            document["annotations"] = sort_keys(self.annotations)
        return strict_json.dumps(document | self.others)


@dataclass(frozen=True)
class Index:
    """An image index (image-index.md): descriptors of manifests and of further indexes."""

    manifests: tuple[Descriptor, ...]
    annotations: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the index as JSON."""
        document = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_INDEX,
            "manifests": [manifest.to_json() for manifest in self.manifests],
        }
        if self.annotations:
            document["annotations"] = sort_keys(self.annotations)
        return strict_json.dumps(document)


@dataclass(frozen=True)
class Config:
    """An image config (config.md): the whole JSON document, including unknown fields.

    ``read_config`` has checked the known fields. Properties return an empty value for missing and null fields.
    """

    raw: dict[str, Any]

    @property
    def platform(self) -> Platform:
        """The platform the image runs on; its parts are empty if missing, as in images from before Docker 1.10."""
        return Platform(*(self.raw.get(key) or "" for key in ("os", "architecture", "variant")))

    @property
    def created(self) -> str | None:
        """The time of creation in RFC 3339."""
        return self.raw.get("created")

    @property
    def runtime(self) -> dict[str, Any]:
        """The ``config`` object, which tells engines how to run the image (Env, Cmd, …)."""
        return self.raw.get("config") or {}

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The diff ID of each layer, base layer first."""
        return tuple((self.raw.get("rootfs") or {}).get("diff_ids") or ())

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        """The history entries, oldest first; entries with ``empty_layer`` have no layer."""
        return tuple(self.raw.get("history") or ())

    def to_bytes(self) -> bytes:
        """Return the config as JSON, its keys in the order of ``raw``."""
        return strict_json.dumps(self.raw)


def make_config(
    platform: Platform,
    created: str,
    runtime: dict[str, Any],
    diff_ids: Sequence[str],
    history: Sequence[dict[str, Any]],
) -> Config:
    """Return a config with these values, its keys in the order of the specification."""
    document = {"created": created, "architecture": platform.architecture, "os": platform.os}
    if platform.variant:
        document["variant"] = platform.variant
    return Config(
        document
        | {
            "config": sort_keys(runtime),
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": list(history),
        }
    )


def check_layer_count(count: int) -> None:
    """Raises LaminixError if some engine cannot load an image of COUNT layers."""
    if count > MAX_LAYERS:
        why = f"found {count} layers, but engines load at most {MAX_LAYERS}; put more store paths into one layer"
        raise LaminixError("too many layers", why)


def layer_history(config: Config) -> list[dict[str, Any]] | None:
    """Return the history entry of each layer, base layer first; None if their numbers differ."""
    entries = [entry for entry in config.history if not entry.get("empty_layer")]
    return entries if len(entries) == len(config.diff_ids) else None


def sort_keys(value: Any) -> Any:
    """Return the JSON value VALUE with the keys of all its objects sorted."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sort_keys(element) for element in value]
    return value


# Reading.


def read_manifest(value: Value) -> Manifest:
    """Return the image manifest in VALUE. Raises LaminixError for any other document, including an artifact."""
    _check_schema(value)
    media_type = value.get("mediaType")
    if media_type and media_type.text() not in MANIFEST_TYPES:
        raise media_type.error(f"found {media_type.raw!r}, expected an image manifest's media type")
    config = read_descriptor(value["config"])
    if config.media_type not in CONFIG_TYPES:
        raise value.error(f"config.mediaType: found {config.media_type!r}, which is an artifact and not an image")
    annotations = value.get("annotations")
    known = ("schemaVersion", "mediaType", "config", "layers", "annotations")
    return Manifest(
        config=config,
        layers=tuple(read_descriptor(layer) for layer in value.get("layers") or ()),
        annotations=annotations.text_map() if annotations else {},
        media_type=media_type.raw if media_type else media_types.OCI_MANIFEST,
        others={key: member.raw for key, member in value.items() if key not in known},
    )


def read_index(value: Value) -> Index:
    """Return the index in VALUE. Raises LaminixError for any other document."""
    _check_schema(value)
    media_type = value.get("mediaType")
    if media_type and media_type.text() not in INDEX_TYPES:
        raise media_type.error(f"found {media_type.raw!r}, expected an index's media type")
    annotations = value.get("annotations")
    return Index(
        manifests=tuple(_read_entry(entry) for entry in value.get("manifests") or ()),
        annotations=annotations.text_map() if annotations else {},
    )


def _read_entry(value: Value) -> Descriptor:
    """Return the descriptor in an index, after checking its platform and annotations."""
    platform, annotations = value.get("platform"), value.get("annotations")
    if platform:
        read_platform(platform)
    if annotations:
        annotations.text_map()
    return read_descriptor(value)


def _check_schema(value: Value) -> None:
    version = value["schemaVersion"]
    if version.number() == 1:
        remedy = "convert the image with skopeo copy --format v2s2"
        raise version.error(f"found 1, an obsolete schema, expected 2; {remedy}")
    if version.raw != 2:
        raise version.error(f"found {version.raw}, expected 2")


def read_config(value: Value) -> Config:
    """Return the image config in VALUE. Raises LaminixError, with the JSON path, if a known field has a wrong type."""
    for key in ("architecture", "os", "variant", "created", "author"):
        if value.get(key):
            value[key].text()
    runtime, history = value.get("config"), value.get("history")
    if runtime:
        check_types(runtime)
    rootfs = value.get("rootfs")
    for diff_id in rootfs and rootfs.get("diff_ids") or ():
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
