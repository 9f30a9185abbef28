"""Layers by a pipeline: operations that divide store paths into groups, as dockerTools' ``layeringPipeline`` has them.

An operation is a list: its name, then its arguments. It takes a group of store paths, or what an earlier operation
has made of one: a list or a dictionary of groups. The groups that the last operation leaves are the layers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from laminix.errors import LaminixError
from laminix.plans.graph import build_graph
from laminix.plans.popularity import popularity_layers
from laminix.store.closure import StorePath
from laminix.strict_json import Value

Group = frozenset[str]  # store paths
State = Group | list["State"] | dict[str, "State"]
References = Mapping[str, StorePath]


def layers_by_pipeline(pipeline: Value, paths: Iterable[str], closure: Sequence[StorePath]) -> list[list[str]]:
    """Return PATHS in layers, lowest layer first. References of CLOSURE count if they lead to PATHS.

    Raises LaminixError for an unknown operation, and for one that does not fit the state before it. Paths that are not
    in CLOSURE are an error as well.
    """
    references = {item.path: item for item in closure}
    paths = frozenset(paths)
    if missing := sorted(paths - references.keys()):
        raise LaminixError("bad closure", f"found no {missing[0]}, which is in the plan; give the plan's own closure")
    state = _pipe(paths, references, pipeline)
    return [sorted(group) for group in _groups(state) if group]


class Operation(NamedTuple):
    """What an operation does with a state, and what it takes."""

    apply: Callable[..., State]  # of the state, the references and the arguments
    arguments: int
    on_one_group: bool


def _apply(operation: Value, state: State, references: References) -> State:
    name, *arguments = list(operation) or [operation]
    if not isinstance(name.raw, str) or name.raw not in OPERATIONS:
        raise name.error(f"unknown operation {name.raw!r}, expected one of {', '.join(OPERATIONS)}")
    known = OPERATIONS[name.text()]
    if len(arguments) != known.arguments:
        raise operation.error(f"{name.raw}: found {len(arguments)} arguments, expected {known.arguments}")
    if known.on_one_group and not isinstance(state, frozenset):
        why = "it takes one group, but the operation before it makes several; use `over` or `map`"
        raise operation.error(f"{name.raw}: {why}")
    return known.apply(state, references, *arguments)


# Operations on operations.


def _pipe(state: State, references: References, operations: Value) -> State:
    for operation in operations:
        state = _apply(operation, state, references)
    return state


def _over(state: State, references: References, key: Value, operation: Value) -> State:
    if not isinstance(state, dict) or key.text() not in state:
        raise key.error(f"found no group {key.raw!r}; `over` follows an operation that names its groups")
    return {name: _apply(operation, group, references) if name == key.raw else group for name, group in state.items()}


def _map(state: State, references: References, operation: Value) -> State:
    if isinstance(state, dict):
        return {name: _apply(operation, group, references) for name, group in state.items()}
    if isinstance(state, list):
        return [_apply(operation, group, references) for group in state]
    raise operation.error("`map` follows an operation that makes several groups")


# Operations on one group.


def _popularity_contest(group: Group, references: References) -> State:
    """Return a group for each path, the most popular one first."""
    items = [StorePath(path, _within(path, group, references), references[path].size) for path in sorted(group)]
    graph = build_graph(items)
    layers = popularity_layers(graph, range(len(items)), len(items) + 1)
    return [frozenset(graph.paths[number] for number in layer) for layer in layers]


def _subcomponent_out(group: Group, references: References, paths: Value) -> State:
    """Return the paths with all that they refer to, and the rest."""
    main = _reached(_paths(paths) & group, group, references)
    return {"main": main, "rest": group - main}


def _subcomponent_in(group: Group, references: References, paths: Value) -> State:
    """Return the paths with all that refers to them, and the rest."""
    referrers: dict[str, list[str]] = {path: [] for path in group}
    for path in group:
        for link in _within(path, group, references):
            referrers[link].append(path)
    main = _closure(_paths(paths) & group, referrers.__getitem__)
    return {"main": main, "rest": group - main}


def _split_paths(group: Group, references: References, paths: Value) -> State:
    """Return the paths with all that only they refer to; what others refer to as well; the rest."""
    reached = _reached(_paths(paths) & group, group, references)
    rest = group - reached
    common = _reached(rest, group, references) & reached
    return {"main": reached - common, "common": common, "rest": rest}


def _remove_paths(group: Group, references: References, paths: Value) -> State:
    return group - _paths(paths)


# Operations on several groups.


def _flatten(state: State, references: References) -> State:
    return list(_groups(state))


def _reverse(state: State, references: References) -> State:
    return list(_groups(state))[::-1]


def _limit_layers(state: State, references: References, limit: Value) -> State:
    """Return the first groups as they are and one of all others, as many as LIMIT says."""
    if limit.expect(int) < 1:
        raise limit.error(f"found {limit.raw}, expected a number of layers, one or more")
    groups = [group for group in _groups(state) if group]
    alone, rest = groups[: limit.raw - 1], groups[limit.raw - 1 :]
    return [*alone, frozenset[str]().union(*rest)]


def _groups(state: State) -> Iterator[Group]:
    if isinstance(state, frozenset):
        yield state
        return
    for part in state.values() if isinstance(state, dict) else state:
        yield from _groups(part)


def _paths(paths: Value) -> Group:
    return frozenset(paths.texts() if isinstance(paths.raw, list) else [paths.text()])


def _within(path: str, group: Group, references: References) -> tuple[str, ...]:
    return tuple(link for link in references[path].references if link in group)


def _reached(start: Iterable[str], group: Group, references: References) -> Group:
    """Return START and all that it refers to within GROUP."""
    return _closure(start, lambda path: _within(path, group, references))


def _closure(start: Iterable[str], links: Callable[[str], Iterable[str]]) -> Group:
    found = set(start)
    left = list(found)
    while left:
        new = [link for link in links(left.pop()) if link not in found]
        found.update(new)
        left += new
    return frozenset(found)


OPERATIONS = {
    "flatten": Operation(_flatten, 0, False),
    "limit_layers": Operation(_limit_layers, 1, False),
    "map": Operation(_map, 1, False),
    "over": Operation(_over, 2, False),
    "pipe": Operation(_pipe, 1, False),
    "popularity_contest": Operation(_popularity_contest, 0, True),
    "remove_paths": Operation(_remove_paths, 1, True),
    "reverse": Operation(_reverse, 0, False),
    "split_paths": Operation(_split_paths, 1, True),
    "subcomponent_in": Operation(_subcomponent_in, 1, True),
    "subcomponent_out": Operation(_subcomponent_out, 1, True),
}
