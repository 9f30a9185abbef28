"""Plans: which store paths share a layer, as a document (``{"layers": [{"storePaths": [...]}, ...]}``)."""

from collections.abc import Sequence
from typing import Any

from laminix.strict_json import Value


def read_plan(value: Value) -> tuple[tuple[str, ...], ...]:
    """The store paths of each layer of the plan in VALUE, bottom layer first.

    Raises LaminixError for a wrong type and for a path that stands in two layers.
    """
    layers = tuple(tuple(layer["storePaths"].texts()) for layer in value["layers"])
    seen: set[str] = set()
    for path in (path for layer in layers for path in layer):
        if path in seen:
            raise value["layers"].error(f"{path} stands in it twice; each path goes to one layer")
        seen.add(path)
    return layers


def plan_to_json(layers: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The plan of LAYERS, bottom layer first, as a JSON object."""
    return {"layers": [{"storePaths": list(layer)} for layer in layers]}
