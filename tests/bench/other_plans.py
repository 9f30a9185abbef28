"""Other ways to plan, to measure ``plan-layers`` against: each takes a graph and how many layers there may be.

The methods of other tools, and the best method known before plan-layers: an order, its best cuts, single moves.
"""

from collections.abc import Iterator, Sequence
from operator import add

from laminix.plans.cost import LAYER_OVERHEAD, Bundle, join_bundles, layer_cost, single_bundles
from laminix.plans.graph import Graph, touches, walk
from laminix.plans.joining import join_neighbours
from laminix.plans.moves import PlannedLayer, improve_layers
from laminix.plans.popularity import popularity_layers
from laminix.plans.previous_plan import find_previous_layers
from laminix.plans.weights import uniform_weights

Layers = list[list[int]]  # numbers of paths
SEGMENTS = 300  # the best cuts take time in the square of what may be cut


def popularity(graph: Graph, most: int) -> Layers:
    """dockerTools once, and nix2container: the most referred to get layers of their own."""
    return popularity_layers(graph, range(len(graph.paths)), most)


def largest_alone(graph: Graph, most: int) -> Layers:
    """The largest paths alone, the others together."""
    by_size = _largest_first(graph)
    alone, rest = by_size[: most - 1], by_size[most - 1 :]
    return [[number] for number in alone] + ([rest] if rest else [])


def size_first(graph: Graph, most: int) -> Layers:
    """dockerTools now: one more of the largest paths, as long as there are layers, heads a layer of its own.

    A layer is what the same heads refer to, directly or not, where a head below another stands before it.
    """
    below, above = _reach(graph)
    heads = [0] * len(graph.paths)  # of each path those whose layer it is in, as bits
    for large in _largest_first(graph):
        divided = list(heads)
        divided[large] = 1 << large
        for path in _bits(below[large] & ~(1 << large)):
            divided[path] &= ~above[large]
            if not divided[path] & below[large]:
                divided[path] |= 1 << large
        if len(set(divided)) > most:
            break
        heads = divided
    layers: dict[int, list[int]] = {}
    for path, of_path in enumerate(heads):
        layers.setdefault(of_path, []).append(path)
    return list(layers.values())


def _largest_first(graph: Graph) -> list[int]:
    return sorted(range(len(graph.paths)), key=lambda number: (-graph.sizes[number], number))


def _reach(graph: Graph) -> tuple[list[int], list[int]]:
    """For each path what it refers to, directly or not, and itself; and what refers to it; as bits."""
    order = walk(graph, range(len(graph.paths)))
    below = touches(graph, uniform_weights(graph), order)
    above = [0] * len(order)
    for number in reversed(order):
        above[number] |= 1 << number
        for link in graph.references[number]:
            above[link] |= above[number]
    return below, above


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def best_cuts(graph: Graph, most: int) -> Layers:
    """Paths in the order of a walk, the least referred to first; cut where that is best; then moved one by one."""
    by_referrers = sorted(range(len(graph.paths)), key=lambda number: (graph.referrers[number], number))
    rank = [0] * len(by_referrers)
    for turn, number in enumerate(by_referrers):
        rank[number] = turn
    touched = touches(graph, uniform_weights(graph), walk(graph, rank))
    paths = single_bundles(walk(graph, rank), graph.sizes, touched)
    runs = _cut(join_neighbours(paths, SEGMENTS), most)
    groups = [PlannedLayer(single_bundles(run.members, graph.sizes, touched)) for run in runs]
    return [list(layer.members) for layer in improve_layers(groups, (), most, join_bundles(runs).touches.bit_count())]


def _cut(bundles: Sequence[Bundle], most: int) -> list[Bundle]:
    """Return BUNDLES joined to at most MOST runs, in their order, with the least cost as layers."""
    count = len(bundles)
    costs = _run_costs(bundles)
    best = [row[0] if row else 0 for row in costs]
    starts = [[0] * (count + 1)]
    totals = [best[count]]
    for used in range(1, min(most, count)):
        best, choice = _one_more_run(best, costs, used)
        starts.append(choice)
        totals.append(best[count])
    return _runs(bundles, starts, totals.index(min(totals)))


def _run_costs(bundles: Sequence[Bundle]) -> list[list[int]]:
    """By where a run ends (exclusive), then where it starts: what it costs as a layer."""
    costs: list[list[int]] = []
    for end in range(len(bundles) + 1):
        row, size, touched = [0] * end, LAYER_OVERHEAD, 0
        for start in range(end - 1, -1, -1):
            size += bundles[start].size
            touched |= bundles[start].touches
            row[start] = size * touched.bit_count()
        costs.append(row)
    return costs


def _one_more_run(best: Sequence[int], costs: Sequence[Sequence[int]], used: int) -> tuple[list[int], list[int]]:
    """For each end the least cost with one run more than in BEST, which has USED, and where that run starts."""
    totals, starts = list(best), [0] * len(best)
    for end in range(used + 1, len(best)):
        sums = list(map(add, best[used:end], costs[end][used:]))
        totals[end] = min(sums)
        starts[end] = used + sums.index(totals[end])
    return totals, starts


def _runs(bundles: Sequence[Bundle], starts: Sequence[Sequence[int]], used: int) -> list[Bundle]:
    runs, end = [], len(bundles)
    for runs_left in range(used, -1, -1):
        start = starts[runs_left][end]
        runs.append(join_bundles(bundles[start:end]))
        end = start
    return runs[::-1]


def kept(graph: Graph, most: int, previous: Sequence[Sequence[str]]) -> Layers:
    """Each path where it was in PREVIOUS; a new one in a layer of its own, or where that costs least."""
    touched = touches(graph, uniform_weights(graph), walk(graph, range(len(graph.paths))))
    previous_layers = find_previous_layers(graph.paths, previous)
    layers: Layers = [[] for _ in previous]
    for number, path in enumerate(graph.paths):
        if path in previous_layers:
            layers[previous_layers[path]].append(number)
    layers = [layer for layer in layers if layer]
    for number, path in enumerate(graph.paths):
        if path not in previous_layers:
            _settle(join_bundles(single_bundles([number], graph.sizes, touched)), layers, graph, touched, most)
    return layers


def _settle(newcomer: Bundle, layers: Layers, graph: Graph, touched: Sequence[int], most: int) -> None:
    if len(layers) < most:
        layers.append(list(newcomer.members))
        return
    wholes = [join_bundles(single_bundles(layer, graph.sizes, touched)) for layer in layers]
    prices = [layer_cost(whole.size + newcomer.size, whole.touches | newcomer.touches) - whole.cost for whole in wholes]
    layers[prices.index(min(prices))] += newcomer.members
