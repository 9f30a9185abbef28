"""Plans made afresh: which store paths share a layer so that updates move little."""

from collections.abc import Sequence

from laminix.plans.cost import Piece, joined, single_pieces
from laminix.plans.cut import cut, shrink
from laminix.plans.graph import Graph, walk
from laminix.plans.moves import MOST_MOVED, Group, improve

# The best cuts take time in the square of the pieces; more pieces than this make no better plans.
PIECES_A_LAYER = 3
FEWEST_PIECES = 120


def plan_order(graph: Graph) -> list[int]:
    """The order whose runs become layers: each path after what it refers to, of these the largest first.

    So a large path stands at an end of what is around it, where a cut sets it apart.
    """
    by_size = sorted(range(len(graph.sizes)), key=lambda number: (-graph.sizes[number], number))
    rank = [0] * len(by_size)
    for turn, number in enumerate(by_size):
        rank[number] = turn
    return walk(graph, rank)


def plan_afresh(graph: Graph, touched: Sequence[int], order: Sequence[int], most: int) -> list[Piece]:
    """The paths of GRAPH that are in ORDER in at most MOST layers, in no order.

    TOUCHED says what touches each path of GRAPH.
    """
    paths = single_pieces(order, graph.sizes, touched)
    if len(paths) <= most:
        return paths
    pieces = shrink(paths, max(FEWEST_PIECES, PIECES_A_LAYER * most))
    groups = [Group(run) for run in cut(pieces, most)]
    if len(paths) <= MOST_MOVED:
        groups = [Group(single_pieces(joined(group.pieces).members, graph.sizes, touched)) for group in groups]
    return improve(groups, (), most, joined(pieces).touches.bit_count())
