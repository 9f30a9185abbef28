"""Planning from scratch: which store paths share a layer, so that updates transfer little."""

from collections.abc import Sequence

from laminix.plans.cost import Bundle, join_bundles, single_bundles, split_bundles
from laminix.plans.graph import Graph, walk
from laminix.plans.joining import join_any, join_neighbours
from laminix.plans.moves import MAX_MOVABLE, PlannedLayer, improve_layers

# Only neighbours are joined until this many layers more than wanted remain; then any two may be joined. Joining
# neighbours offers few choices, so a small change of the closure changes the plan little. The last ones find
# bundles that belong together but are far apart in the order.
LAST_JOINS = 6


def plan_order(graph: Graph) -> list[int]:
    """Return the order of paths whose runs become layers: each path after its references, the largest of them first.

    A large path is thus at an end of its neighbourhood and easily gets a layer of its own. Sizes are compared by
    powers of two, so that a path that grows a little keeps its position.
    """
    by_size = sorted(range(len(graph.sizes)), key=lambda number: (-graph.sizes[number].bit_length(), number))
    rank = [0] * len(by_size)
    for turn, number in enumerate(by_size):
        rank[number] = turn
    return walk(graph, rank)


def plan_from_scratch(graph: Graph, touched: Sequence[int], order: Sequence[int], max_layers: int) -> list[Bundle]:
    """Return at most MAX_LAYERS layers for the paths in ORDER, in no particular order.

    TOUCHED is the result of ``graph.touches``.
    """
    if len(order) <= max_layers:
        return single_bundles(order, graph.sizes, touched)
    bundles = join_neighbours(single_bundles(order, graph.sizes, touched), MAX_MOVABLE)
    layers = join_any(join_neighbours(bundles, max_layers + LAST_JOINS), max_layers)
    total_weight = join_bundles(bundles).touches.bit_count()
    return improve_layers(map(PlannedLayer, split_bundles(layers, bundles)), (), max_layers, total_weight)
