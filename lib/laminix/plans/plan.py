"""The JSON document for a plan: ``{"layers": [{"storePaths": [...]}, ...]}``."""

from collections.abc import Sequence
from typing import Any

from laminix.strict_json import Value


def read_plan(value: Value) -> tuple[tuple[str, ...], ...]:
    """Return the store paths of each layer of the plan in VALUE, lowest layer first.

    Raises LaminixError for a wrong type and for a repeated path.
    """
    layers = tuple(tuple(layer["storePaths"].texts()) for layer in value["layers"])
    seen: set[str] = set()
    for path in (path for layer in layers for path in layer):
        if path in seen:
            raise value["layers"].error(f"found {path} twice, expected each path in one layer")
        seen.add(path)
    return layers


def plan_to_json(layers: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the plan of LAYERS, lowest layer first, as a JSON object."""
    return {"layers": [{"storePaths": list(layer)} for layer in layers]}
