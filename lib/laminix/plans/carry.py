"""Plans carried over: a closure as it is now in the layers that it had in the plan before."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from laminix.plans.cost import Bundle, joined, parted, single_bundles
from laminix.plans.graph import Graph
from laminix.plans.joining import join_any, join_neighbours
from laminix.plans.moves import MOST_MOVED, PlannedLayer, improve, price
from laminix.store.store_path import full_name, package_name

Plan = Sequence[Sequence[str]]


def carry_over(
    graph: Graph,
    touches: Sequence[int],
    numbers: Sequence[int],
    most: int,
    previous: Plan,
    homes: Mapping[str, int],
) -> list[Bundle]:
    """The paths NUMBERS of GRAPH in at most MOST layers, each where PREVIOUS has it.

    PREVIOUS are the store paths of each layer as they were before, HOMES what ``find_homes`` finds in it.
    Layers that have not changed stay as they are, unless much is gained by changing them.  The others are
    sent anyway: what is in them is divided anew where that is cheaper.
    """
    groups = _groups(graph, touches, numbers, homes, previous)
    kept = sorted(groups, key=lambda group: joined(group.bundles).cost, reverse=True)[:most]
    everything = single_bundles(numbers, graph.sizes, touches)
    weight = joined(everything).touches.bit_count()
    newcomers = sorted(_without(everything, kept), key=lambda bundle: (-bundle.size, bundle.members))
    stayed = improve(kept, newcomers, most, weight)
    same = [group for group in kept if not group.sent_anyway]
    if len(same) == most:
        return stayed
    divided = _divided(_without(everything, same), most - len(same))
    return min(stayed, improve([*same, *divided], (), most, weight), key=lambda plan: price(plan, same, weight))


def _divided(loose: Sequence[Bundle], most: int) -> list[PlannedLayer]:
    """LOOSE, the bundles of layers that are sent anyway, in MOST layers at most."""
    bundles = join_neighbours(loose, MOST_MOVED)
    return [PlannedLayer(parts, sent_anyway=True) for parts in parted(join_any(bundles, most), bundles)]


def _without(bundles: Sequence[Bundle], groups: Sequence[PlannedLayer]) -> list[Bundle]:
    """Those of BUNDLES that are in none of GROUPS."""
    settled = {bundle.members for group in groups for bundle in group.bundles}
    return [bundle for bundle in bundles if bundle.members not in settled]


def _groups(
    graph: Graph, touches: Sequence[int], numbers: Sequence[int], homes: Mapping[str, int], previous: Plan
) -> Iterator[PlannedLayer]:
    """What is still there of each layer of PREVIOUS, by HOMES; none that is empty now."""
    found: list[list[int]] = [[] for _ in previous]
    for number in numbers:
        if graph.paths[number] in homes:
            found[homes[graph.paths[number]]].append(number)
    for layer, paths in zip(found, previous):
        if layer:
            changed = {graph.paths[number] for number in layer} != set(paths)
            yield PlannedLayer(single_bundles(layer, graph.sizes, touches), sent_anyway=changed)


def find_homes(paths: Sequence[str], previous: Plan) -> dict[str, int]:
    """For each of PATHS that PREVIOUS knows, the index of its layer there.

    A path is known as itself, else by name and version, else by name; equal names pair off in order.
    """
    homes: dict[str, int] = {}
    left = {path: index for index, layer in enumerate(previous) for path in layer}
    for name in (str, full_name, package_name) if previous else ():
        unknown = [path for path in paths if path not in homes]
        for path, old in _pairs(unknown, sorted(left, key=full_name), name):
            homes[path] = left.pop(old)
    return homes


def _pairs(paths: Sequence[str], old_paths: Sequence[str], name: Callable[[str], str]) -> list[tuple[str, str]]:
    known: dict[str, list[str]] = defaultdict(list)
    for old in reversed(old_paths):
        known[name(old)].append(old)
    return [(path, known[name(path)].pop()) for path in paths if known.get(name(path))]
