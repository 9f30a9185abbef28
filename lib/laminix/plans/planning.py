"""Planning with all options: pins, a selection of paths, and a previous plan if there is one."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from laminix.errors import LaminixError
from laminix.plans.cost import Bundle, expected_transfer, join_bundles, single_bundles
from laminix.plans.graph import Graph, touches
from laminix.plans.planner import plan_from_scratch, plan_order
from laminix.plans.previous_plan import find_previous_layers, plan_from_previous
from laminix.store.store_path import full_name

BAD_PLAN = "bad plan"
# Plan from scratch if keeping the previous plan transfers more than this many times as much on average. Replacing a
# plan transfers everything once more, so a smaller gain is not worth it. Kept plans do not deteriorate over updates
# (tests/bench/README.md); the limit is for previous plans that were made for another closure.
MAX_EXCESS = 1.25

Plan = Sequence[Sequence[str]]


def make_plan(
    graph: Graph,
    paths: Collection[str],
    weights: Sequence[int],
    max_layers: int,
    previous: Plan = (),
    pins: Sequence[str] = (),
) -> list[list[str]]:
    """Return at most MAX_LAYERS layers with the store paths PATHS of GRAPH, those that change least first.

    WEIGHTS gives the relative update frequency of each package. Paths stay in their layers of PREVIOUS. The paths
    that match one of PINS (shell patterns for names with versions) get a layer of their own. The paths of a layer
    are ordered by name. Raises LaminixError for a pin that matches nothing in GRAPH, and for too few layers.
    """
    order = plan_order(graph)
    touched = touches(graph, weights, order)
    wanted = [number for number in order if graph.paths[number] in paths]
    pinned = _pinned(graph, wanted, pins)
    taken = {number for members in pinned for number in members}
    rest = [number for number in wanted if number not in taken]
    _check_room(max_layers, len(pinned), len(rest))
    layers = [join_bundles(single_bundles(members, graph.sizes, touched)) for members in pinned]
    layers += _plan(graph, touched, rest, max_layers - len(pinned), previous)
    layers.sort(key=lambda layer: (layer.touches.bit_count(), min(layer.members)))
    return [[graph.paths[number] for number in sorted(layer.members)] for layer in layers]


def _pinned(graph: Graph, numbers: Sequence[int], pins: Sequence[str]) -> list[list[int]]:
    """Return the paths in NUMBERS that match each of PINS and none before it, without empty results."""
    if not pins:  # saves the time to compute all names
        return []
    names = {number: full_name(graph.paths[number]) for number in numbers}
    every_name = {full_name(path) for path in graph.paths}
    result = []
    for pin in pins:
        members = [number for number, name in names.items() if fnmatchcase(name, pin)]
        if not members and not any(fnmatchcase(name, pin) for name in every_name):
            why = f"pin {pin!r} matches no name in the closure; names include the version, such as hello-2.12"
            raise LaminixError(BAD_PLAN, why)
        for number in members:
            del names[number]
        result += [members] if members else []
    return result


def _check_room(max_layers: int, pins: int, rest: int) -> None:
    needed = pins + (rest > 0)
    if max_layers < needed:
        why = f"the pins and the other paths need at least {needed} layers (limit {max_layers}); raise --max-layers"
        raise LaminixError(BAD_PLAN, why)


def _plan(
    graph: Graph, touched: Sequence[int], numbers: Sequence[int], max_layers: int, previous: Plan
) -> list[Bundle]:
    new = plan_from_scratch(graph, touched, numbers, max_layers)
    previous_layers = find_previous_layers([graph.paths[number] for number in numbers], previous)
    if not previous_layers:
        return new
    kept = plan_from_previous(graph, touched, numbers, max_layers, previous, previous_layers)
    return new if expected_transfer(kept) > MAX_EXCESS * expected_transfer(new) else kept
