"""The popularity contest, dockerTools' former way to split a closure into layers, for comparison."""

from collections.abc import Iterable

from laminix.plans.graph import Graph, walk


def popularity_layers(graph: Graph, numbers: Iterable[int], max_layers: int) -> list[list[int]]:
    """Return the paths NUMBERS of GRAPH in MAX_LAYERS layers: one each for the most popular, one for the rest."""
    popularity = _popularity(graph)
    order = sorted(numbers, key=lambda number: (-popularity[number], number))
    alone, rest = order[: max_layers - 1], order[max_layers - 1 :]
    return [*([number] for number in alone), *([rest] if rest else [])]


def _popularity(graph: Graph) -> list[int]:
    """Return, for each path, the number of ways to reach it by references. Large closures have very large numbers."""
    popularity = [0] * len(graph.paths)
    for number in reversed(walk(graph, range(len(graph.paths)))):
        for link in graph.references[number]:
            popularity[link] += popularity[number] + 1
    return popularity
