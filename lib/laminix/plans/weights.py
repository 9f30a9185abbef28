"""How often packages change, relative to each other: the weights that a plan is made for.

Weights are small whole numbers, so that a set of packages can be a number with a bit for each unit of
weight, and its weight a count of bits.
"""

from collections.abc import Sequence

from laminix.plans.graph import Graph
from laminix.strict_json import Value

LARGEST = 64  # the weight of what changes most often


def uniform_weights(graph: Graph) -> list[int]:
    """Each package is as likely to change as any other."""
    return [1] * len(graph.paths)


def root_weights(graph: Graph) -> list[int]:
    """The roots together (what nothing refers to) change as often as all the rest together."""
    roots = graph.referrers.count(0)
    share = max(1, round((len(graph.paths) - roots) / max(1, roots)))
    return [share if count == 0 else 1 for count in graph.referrers]


def rate_weights(graph: Graph, rates: Value) -> list[int]:
    """As RATES says, an object of package names and how often each changes in any unit; others change once.

    Raises LaminixError for a rate that is not a number of zero or more.
    """
    known = {name: _rate(rate) for name, rate in rates.items()}
    found = [known.get(name, 1.0) for name in graph.names]
    return _scaled(found)


def _rate(value: Value) -> float:
    if not 0 <= value.expect(int, float) < float("inf"):
        raise value.error(f"found {value.raw}, expected how often the package changes: zero or more")
    return float(value.raw)


def _scaled(rates: Sequence[float]) -> list[int]:
    """RATES in proportion as whole numbers; what changes at all gets one at least."""
    positive = [rate for rate in rates if rate > 0]
    if not positive:
        return [0] * len(rates)
    unit = max(min(positive), max(positive) / LARGEST)
    return [max(1, round(rate / unit)) if rate > 0 else 0 for rate in rates]
