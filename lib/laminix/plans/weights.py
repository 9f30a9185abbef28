"""Weights: the relative update frequencies of packages.

Weights are small whole numbers. A set of packages can thus be an integer with a bit for each unit of weight, and its
total weight is the number of bits.
"""

from collections.abc import Sequence

from laminix.plans.graph import Graph
from laminix.strict_json import Value

MAX_WEIGHT = 64  # weight of the package that changes most often


def uniform_weights(graph: Graph) -> list[int]:
    """Return weight 1 for every package."""
    return [1] * len(graph.paths)


def root_weights(graph: Graph) -> list[int]:
    """Return weights with which all roots (paths without referrers) together weigh as much as all other paths."""
    roots = graph.referrers.count(0)
    share = max(1, round((len(graph.paths) - roots) / max(1, roots)))
    return [share if count == 0 else 1 for count in graph.referrers]


def rate_weights(graph: Graph, rates: Value) -> list[int]:
    """Return weights proportional to RATES, a JSON object of package names and update frequencies (default 1).

    Raises LaminixError for a frequency that is not a number of zero or more.
    """
    known = {name: _rate(rate) for name, rate in rates.items()}
    found = [known.get(name, 1.0) for name in graph.names]
    return _scaled(found)


def _rate(value: Value) -> float:
    if not 0 <= value.expect(int, float) < float("inf"):
        raise value.error(f"found {value.raw}, expected the update frequency of the package: zero or more")
    return float(value.raw)


def _scaled(rates: Sequence[float]) -> list[int]:
    """Return RATES in proportion as whole numbers up to MAX_WEIGHT; a positive rate gets at least 1."""
    positive = [rate for rate in rates if rate > 0]
    if not positive:
        return [0] * len(rates)
    unit = max(min(positive), max(positive) / MAX_WEIGHT)
    return [max(1, round(rate / unit)) if rate > 0 else 0 for rate in rates]
