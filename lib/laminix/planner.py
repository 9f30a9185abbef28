"""Plans made afresh: which store paths share a layer so that updates move little."""

from collections.abc import Callable, Sequence

from laminix.plan_cost import Piece, joined, single_pieces
from laminix.plan_cut import cut, shrink
from laminix.plan_graph import Graph, walk
from laminix.plan_moves import MOST_MOVED, Group, improve

# The best cuts take time in the square of the pieces; more pieces than this make no better plans.
PIECES_A_LAYER = 3
FEWEST_PIECES = 120


def plan_afresh(graph: Graph, touches: Sequence[int], numbers: Sequence[int], most: int) -> list[Piece]:
    """The paths NUMBERS of GRAPH in at most MOST layers, in no order.

    TOUCHES says what touches each path of GRAPH.
    """
    if len(numbers) <= most:
        return single_pieces(numbers, graph.sizes, touches)
    wanted = set(numbers)
    order = [number for number in walk(graph, _largest_first(graph)) if number in wanted]
    pieces = shrink(single_pieces(order, graph.sizes, touches), max(FEWEST_PIECES, PIECES_A_LAYER * most))
    groups = [Group(run) for run in cut(pieces, most)]
    if len(numbers) <= MOST_MOVED:
        groups = [Group(single_pieces(joined(group.pieces).members, graph.sizes, touches)) for group in groups]
    return improve(groups, (), most, joined(pieces).touches.bit_count())


def _largest_first(graph: Graph) -> Callable[[int], tuple[int, int]]:
    """Of what a path refers to the largest first: so large paths stand apart from each other."""
    return lambda number: (-graph.sizes[number], number)
