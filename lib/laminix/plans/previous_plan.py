"""Planning from a previous plan: the paths of a changed closure stay in their previous layers where possible."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from laminix.plans.cost import Bundle, join_bundles, single_bundles, split_bundles
from laminix.plans.graph import Graph
from laminix.plans.joining import join_any, join_neighbours
from laminix.plans.moves import MAX_MOVABLE, PlannedLayer, cost_with_retransfer, improve_layers
from laminix.store.store_path import full_name, package_name

Plan = Sequence[Sequence[str]]


def plan_from_previous(
    graph: Graph,
    touches: Sequence[int],
    numbers: Sequence[int],
    max_layers: int,
    previous: Plan,
    previous_layers: Mapping[str, int],
) -> list[Bundle]:
    """Return at most MAX_LAYERS layers for the paths NUMBERS of GRAPH, each path in its layer of PREVIOUS.

    PREVIOUS_LAYERS is the result of ``find_previous_layers``. Unchanged layers stay as they are unless a change
    gains much. Changed layers are transferred in any case, so their paths are divided anew if that costs less.
    """
    layers = _layers_of_previous(graph, touches, numbers, previous_layers, previous)
    kept = sorted(layers, key=lambda layer: join_bundles(layer.bundles).cost, reverse=True)[:max_layers]
    bundles = single_bundles(numbers, graph.sizes, touches)
    total_weight = join_bundles(bundles).touches.bit_count()
    new_bundles = sorted(_without(bundles, kept), key=lambda bundle: (-bundle.size, bundle.members))
    improved = improve_layers(kept, new_bundles, max_layers, total_weight)
    unchanged = [layer for layer in kept if not layer.changed]
    if len(unchanged) == max_layers:
        return improved
    divided = _divide(_without(bundles, unchanged), max_layers - len(unchanged))
    divided_anew = improve_layers([*unchanged, *divided], (), max_layers, total_weight)
    return min(improved, divided_anew, key=lambda plan: cost_with_retransfer(plan, unchanged, total_weight))


def _divide(bundles: Sequence[Bundle], max_layers: int) -> list[PlannedLayer]:
    """Return at most MAX_LAYERS changed layers that contain BUNDLES."""
    bundles = join_neighbours(bundles, MAX_MOVABLE)
    return [PlannedLayer(parts, changed=True) for parts in split_bundles(join_any(bundles, max_layers), bundles)]


def _without(bundles: Sequence[Bundle], layers: Sequence[PlannedLayer]) -> list[Bundle]:
    """Return the bundles of BUNDLES that are in none of LAYERS."""
    placed = {bundle.members for layer in layers for bundle in layer.bundles}
    return [bundle for bundle in bundles if bundle.members not in placed]


def _layers_of_previous(
    graph: Graph, touches: Sequence[int], numbers: Sequence[int], previous_layers: Mapping[str, int], previous: Plan
) -> Iterator[PlannedLayer]:
    """Yield each layer of PREVIOUS with its remaining paths, without layers that are empty now."""
    remaining: list[list[int]] = [[] for _ in previous]
    for number in numbers:
        if graph.paths[number] in previous_layers:
            remaining[previous_layers[graph.paths[number]]].append(number)
    for layer, paths in zip(remaining, previous):
        if layer:
            changed = {graph.paths[number] for number in layer} != set(paths)
            yield PlannedLayer(single_bundles(layer, graph.sizes, touches), changed)


def find_previous_layers(paths: Sequence[str], previous: Plan) -> dict[str, int]:
    """Return the index of the layer in PREVIOUS for each of PATHS that is found there.

    A path is matched by itself, else by package name and version, else by package name. Paths with equal names are
    matched in order.
    """
    result: dict[str, int] = {}
    left = {path: index for index, layer in enumerate(previous) for path in layer}
    for name in (str, full_name, package_name) if previous else ():
        unknown = [path for path in paths if path not in result]
        for path, old in _pairs(unknown, sorted(left, key=full_name), name):
            result[path] = left.pop(old)
    return result


def _pairs(paths: Sequence[str], old_paths: Sequence[str], name: Callable[[str], str]) -> list[tuple[str, str]]:
    known: dict[str, list[str]] = defaultdict(list)
    for old in reversed(old_paths):
        known[name(old)].append(old)
    return [(path, known[name(path)].pop()) for path in paths if known.get(name(path))]
