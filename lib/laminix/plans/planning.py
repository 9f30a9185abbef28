"""A plan as it was asked for: with pins, without what is there already, from the plan before or afresh."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from laminix.errors import LaminixError
from laminix.plans.carry import carry_over, find_homes
from laminix.plans.cost import Bundle, expected_transfer, joined, single_bundles
from laminix.plans.graph import Graph, touches
from laminix.plans.planner import plan_afresh, plan_order
from laminix.store.store_path import full_name

BAD_PLAN = "bad plan"
# A plan carried over is given up for a fresh one that moves this much less on average: the change itself
# sends everything once more.  Carried plans do not drift (tests/bench/README.md); this is for plans that were
# made for something else, and less than it is not worth a change.
DRIFT = 1.25

Plan = Sequence[Sequence[str]]


def make_plan(
    graph: Graph,
    paths: Collection[str],
    weights: Sequence[int],
    most: int,
    previous: Plan = (),
    pins: Sequence[str] = (),
) -> list[list[str]]:
    """The store paths PATHS of GRAPH in at most MOST layers, the one that changes least first; by name in each.

    WEIGHTS says how often each package of GRAPH changes.  Paths stay where PREVIOUS has them; what matches
    one of PINS (shell patterns for names with versions) gets a layer of its own.
    Raises LaminixError for a pin that matches nothing in GRAPH and for more pins than layers.
    """
    order = plan_order(graph)
    touched = touches(graph, weights, order)
    wanted = [number for number in order if graph.paths[number] in paths]
    pinned = _pinned(graph, wanted, pins)
    taken = {number for members in pinned for number in members}
    rest = [number for number in wanted if number not in taken]
    _check_room(most, len(pinned), len(rest))
    layers = [joined(single_bundles(members, graph.sizes, touched)) for members in pinned]
    layers += _plan(graph, touched, rest, most - len(pinned), previous)
    layers.sort(key=lambda layer: (layer.touches.bit_count(), min(layer.members)))
    return [[graph.paths[number] for number in sorted(layer.members)] for layer in layers]


def _pinned(graph: Graph, numbers: Sequence[int], pins: Sequence[str]) -> list[list[int]]:
    """What each of PINS matches of NUMBERS and none before it does; only what is not empty."""
    if not pins:  # names take time
        return []
    names = {number: full_name(graph.paths[number]) for number in numbers}
    every_name = {full_name(path) for path in graph.paths}
    result = []
    for pin in pins:
        members = [number for number, name in names.items() if fnmatchcase(name, pin)]
        if not members and not any(fnmatchcase(name, pin) for name in every_name):
            raise LaminixError(BAD_PLAN, f"the pin {pin!r} matches no name in the closure (as in hello-2.12)")
        for number in members:
            del names[number]
        result += [members] if members else []
    return result


def _check_room(most: int, pins: int, rest: int) -> None:
    if most < pins + (rest > 0):
        raise LaminixError(BAD_PLAN, f"{pins} pins and the other paths do not fit into {most} layers")


def _plan(graph: Graph, touched: Sequence[int], numbers: Sequence[int], most: int, previous: Plan) -> list[Bundle]:
    fresh = plan_afresh(graph, touched, numbers, most)
    homes = find_homes([graph.paths[number] for number in numbers], previous)
    if not homes:
        return fresh
    carried = carry_over(graph, touched, numbers, most, previous, homes)
    return fresh if expected_transfer(carried) > DRIFT * expected_transfer(fresh) else carried
