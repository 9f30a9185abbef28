"""What a plan costs, as a table for people."""

from collections.abc import Iterable, Sequence

from laminix.errors import LaminixError
from laminix.human_size import human_size
from laminix.plans.cost import Bundle, expected_transfer, joined, single_bundles
from laminix.plans.graph import Graph, touches
from laminix.plans.planner import plan_order
from laminix.plans.popularity import popularity_layers
from laminix.table import aligned

HEADINGS = ("LAYER", "SIZE", "PATHS", "CHANGES", "MOVES", "HOLDS", "CHANGED BY")
NUMBERS = (0, 1, 2, 3, 4)  # columns that line up at the right
NAMED = 3  # packages that are named where there are more


def explain(graph: Graph, weights: Sequence[int], plan: Sequence[Sequence[str]]) -> str:
    """What PLAN, the store paths of each layer, makes of updates of GRAPH's packages.

    WEIGHTS says how often each changes.  CHANGES is in how many of a hundred updates a layer is sent, MOVES
    how many bytes of it an update sends on average.  Raises LaminixError for a path that is not in GRAPH.
    """
    touched = touches(graph, weights, plan_order(graph))
    everything = joined(single_bundles(range(len(graph.paths)), graph.sizes, touched))
    updates = max(1, everything.touches.bit_count())
    layers = [joined(single_bundles(members, graph.sizes, touched)) for members in _numbered(graph, plan)]
    rows = [(str(index), *_row(graph, layer, updates)) for index, layer in enumerate(layers)]
    return aligned([HEADINGS, *rows], NUMBERS) + "\n" + _summary(graph, touched, layers, updates)


def _numbered(graph: Graph, plan: Sequence[Sequence[str]]) -> list[list[int]]:
    numbers = {path: number for number, path in enumerate(graph.paths)}
    foreign = next((path for layer in plan for path in layer if path not in numbers), None)
    if foreign is not None:
        raise LaminixError("bad plan", f"{foreign} is not in the closure; was it made for another one?")
    return [[numbers[path] for path in layer] for layer in plan]


def _row(graph: Graph, layer: Bundle, updates: int) -> tuple[str, ...]:
    weight = layer.touches.bit_count()
    by_size = sorted(layer.members, key=lambda number: (-graph.sizes[number], number))
    return (
        human_size(layer.size),
        str(len(layer.members)),
        f"{100 * weight / updates:.1f} %",
        human_size(layer.size * weight / updates),
        _some(graph.names[number] for number in by_size),
        _some(["itself", *(graph.names[number] for number in _below(graph, layer.members))]),
    )


def _below(graph: Graph, members: Sequence[int]) -> list[int]:
    """What MEMBERS refer to, directly first, without themselves."""
    found = list(members)
    seen = set(members)
    for number in found:
        new = [link for link in graph.references[number] if link not in seen]
        seen.update(new)
        found += new
    return found[len(members) :]


def _some(names: Iterable[str]) -> str:
    first = list(names)
    more = len(first) - NAMED
    return ", ".join(first[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _summary(graph: Graph, touched: Sequence[int], layers: Sequence[Bundle], updates: int) -> str:
    numbers = [number for layer in layers for number in layer.members]
    paths = single_bundles(numbers, graph.sizes, touched)
    contest = popularity_layers(graph, numbers, len(layers)) if layers else []
    popular = [joined(single_bundles(members, graph.sizes, touched)) for members in contest]
    least = expected_transfer(paths)
    rows = [
        _total("an update moves on average", expected_transfer(layers), least, updates),
        _total("a popularity contest with as many layers", expected_transfer(popular), least, updates),
        _total("a layer for each path, the least possible", least, least, updates),
    ]
    left = len(graph.paths) - len(numbers)
    return aligned(rows, (1, 2)) + (f"paths of the closure in none of these layers: {left}\n" if left else "")


def _total(what: str, transfer: int, least: int, updates: int) -> tuple[str, str, str]:
    return what, human_size(transfer / updates), f"x {transfer / least:.2f}" if least else "x 1.00"
