"""Plans made afresh: which store paths share a layer so that updates move little."""

from collections.abc import Sequence

from laminix.plans.cost import Bundle, joined, parted, single_bundles
from laminix.plans.graph import Graph, walk
from laminix.plans.joining import join_any, join_neighbours
from laminix.plans.moves import MOST_MOVED, PlannedLayer, improve

# Neighbours are joined until so many layers more than wanted are left; then any two may be.  The first has
# few ways to go, so a small change of the closure changes little; the last finds what stands far apart.
LAST_JOINED = 6


def plan_order(graph: Graph) -> list[int]:
    """The order whose runs become layers: each path after what it refers to, of these the largest first.

    So a large path stands at an end of what is around it, and may be apart.  Sizes count by powers of two:
    one that grows a little stays where it is.
    """
    by_size = sorted(range(len(graph.sizes)), key=lambda number: (-graph.sizes[number].bit_length(), number))
    rank = [0] * len(by_size)
    for turn, number in enumerate(by_size):
        rank[number] = turn
    return walk(graph, rank)


def plan_afresh(graph: Graph, touched: Sequence[int], order: Sequence[int], most: int) -> list[Bundle]:
    """The paths of GRAPH that are in ORDER in at most MOST layers, in no order.

    TOUCHED says what touches each path of GRAPH.
    """
    if len(order) <= most:
        return single_bundles(order, graph.sizes, touched)
    bundles = join_neighbours(single_bundles(order, graph.sizes, touched), MOST_MOVED)
    layers = join_any(join_neighbours(bundles, most + LAST_JOINED), most)
    return improve(map(PlannedLayer, parted(layers, bundles)), (), most, joined(bundles).touches.bit_count())
