"""What differs between the configs and annotations of two images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from laminix.images.image import Image

LAYER_FIELDS = frozenset(("rootfs", "history"))  # they change with the layers, which are compared by themselves


class ConfigChange(NamedTuple):
    """A field that differs, None where it is absent."""

    path: str  # JSON path; of an environment variable, config.Env.NAME
    old: Any
    new: Any


def config_changes(old: Image, new: Image) -> list[ConfigChange]:
    """The fields of the config and the annotations of the manifest that differ, by path.

    The history is compared only where the layers are the same.
    """
    fields = [_fields(image) for image in (old, new)]
    if old.config.diff_ids == new.config.diff_ids:
        for image, own in zip((old, new), fields):
            own["history"] = list(image.config.history)
    paths = sorted(fields[0].keys() | fields[1].keys())
    changes = (ConfigChange(path, fields[0].get(path), fields[1].get(path)) for path in paths)
    return [change for change in changes if change.old != change.new]


def _fields(image: Image) -> dict[str, Any]:
    raw = {key: value for key, value in image.config.raw.items() if key not in LAYER_FIELDS | {"config"}}
    fields = dict(raw)
    for key, value in image.config.runtime.items():
        if key == "Env" and value:
            fields |= _environment(value)
        elif isinstance(value, Mapping):
            fields |= {f"config.{key}.{name}": member for name, member in value.items()}
        else:
            fields[f"config.{key}"] = value
    fields |= {f"annotations.{key}": value for key, value in image.annotations.items()}
    return {path: value for path, value in fields.items() if value not in (None, "", [], ())}


def _environment(variables: list[str]) -> dict[str, str]:
    pairs = (variable.partition("=") for variable in variables)
    return {f"config.Env.{name}": value if equals else name for name, equals, value in pairs}
