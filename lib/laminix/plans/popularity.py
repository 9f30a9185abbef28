"""The popularity contest: how dockerTools once split a closure into layers, for comparison."""

from collections.abc import Iterable

from laminix.plans.graph import Graph, walk


def popularity_layers(graph: Graph, numbers: Iterable[int], most: int) -> list[list[int]]:
    """The paths NUMBERS of GRAPH, the most popular in layers of their own, the rest in the last of MOST."""
    popularity = _popularity(graph)
    order = sorted(numbers, key=lambda number: (-popularity[number], number))
    alone, rest = order[: most - 1], order[most - 1 :]
    return [*([number] for number in alone), *([rest] if rest else [])]


def _popularity(graph: Graph) -> list[int]:
    """In how many ways each path is reached by references; of large closures these are very large numbers."""
    popularity = [0] * len(graph.paths)
    for number in reversed(walk(graph, range(len(graph.paths)))):
        for link in graph.references[number]:
            popularity[link] += popularity[number] + 1
    return popularity
