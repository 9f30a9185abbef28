"""The references among the store paths of an image: closure sizes, reasons, and what depends on one path alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Graph:
    """Store paths with their sizes and references, all within one image."""

    sizes: Mapping[str, int]  # bytes of each store path
    references: Mapping[str, tuple[str, ...]]  # sorted, without the path itself


class Reason(NamedTuple):
    """Why a store path is in an image; exactly one of the two is set."""

    referrer: str | None  # the store path that refers to it, one step closer to a root
    root: str | None  # what mentions it outside the store paths, in words


class Reasons(NamedTuple):
    """The reason of each store path, nearest to a root first."""

    by_path: dict[str, Reason]

    def chain(self, path: str) -> list[str]:
        """The store paths from the root to PATH, each one referring to the next: a shortest chain."""
        chain = [path]
        while (referrer := self.by_path[chain[-1]].referrer) is not None:
            chain.append(referrer)
        return chain[::-1]


def closure(graph: Graph, path: str) -> set[str]:
    """PATH and all store paths it refers to, directly or not."""
    reached = frontier = {path}
    while frontier:
        frontier = set().union(*map(graph.references.__getitem__, frontier)) - reached
        reached = reached | frontier
    return reached


def total_size(graph: Graph, paths: Iterable[str]) -> int:
    """The bytes of PATHS together."""
    return sum(map(graph.sizes.__getitem__, paths))


def find_reasons(graph: Graph, roots: Mapping[str, str]) -> Reasons:
    """Why each store path of GRAPH is there.

    ROOTS are the store paths that something outside the store mentions, and what that is, most telling first.
    Store paths that no chain from there leads to are roots too: those without a referrer, then any.
    """
    found = {path: Reason(None, what) for path, what in roots.items()}
    _spread(graph, list(found), found)
    referred = {link for links in graph.references.values() for link in links}
    for paths in (sorted(graph.references.keys() - referred), sorted(graph.references)):
        for path in paths:
            if path not in found:
                found[path] = Reason(None, "no store path refers to it")
                _spread(graph, [path], found)
    return Reasons(found)


def _spread(graph: Graph, frontier: list[str], found: dict[str, Reason]) -> None:
    """Add to FOUND what FRONTIER leads to, breadth first."""
    for path in frontier:
        for link in graph.references[path]:
            if link not in found:
                found[link] = Reason(path, None)
                frontier.append(link)


def dependents(graph: Graph, reasons: Reasons) -> dict[str, str | None]:
    """For each store path the one that every chain of references to it passes last: its immediate dominator.

    None where chains from the roots have no store path in common.  Cooper, Harvey and Kennedy, "A Simple, Fast
    Dominance Algorithm" (2001), with a root above all roots.
    """
    order = _reverse_postorder(graph, [path for path, reason in reasons.by_path.items() if reason.root])
    numbers = {path: number for number, path in enumerate(order, 1)}
    predecessors = _predecessors(graph, reasons, order, numbers)
    immediate = [0] + [-1] * len(order)
    changed = True
    while changed:
        changed = False
        for number in range(1, len(immediate)):
            known = [other for other in predecessors[number] if immediate[other] >= 0]
            new = known[0]
            for other in known[1:]:
                new = _common(immediate, new, other)
            if immediate[number] != new:
                immediate[number], changed = new, True
    return {path: order[immediate[number] - 1] if immediate[number] else None for path, number in numbers.items()}


def _predecessors(graph: Graph, reasons: Reasons, order: Sequence[str], numbers: Mapping[str, int]) -> list[list[int]]:
    predecessors: list[list[int]] = [[] for _ in range(len(order) + 1)]
    for path in order:
        if reasons.by_path[path].root:
            predecessors[numbers[path]].append(0)
        for link in graph.references[path]:
            predecessors[numbers[link]].append(numbers[path])
    return predecessors


def _common(immediate: Sequence[int], one: int, other: int) -> int:
    """The nearest dominator that ONE and OTHER share; dominators have smaller numbers."""
    while one != other:
        if one > other:
            one = immediate[one]
        else:
            other = immediate[other]
    return one


def _reverse_postorder(graph: Graph, roots: Sequence[str]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    stack: list[tuple[str, Iterator[str]]] = [("", iter(roots))]
    while stack:
        path, rest = stack[-1]
        link = next((link for link in rest if link not in seen), None)
        if link is not None:
            seen.add(link)
            stack.append((link, iter(graph.references[link])))
        else:
            order.append(path)
            stack.pop()
    return order[-2::-1]  # without the root above all roots


def freed_sizes(graph: Graph, dominators: Mapping[str, str | None]) -> dict[str, int]:
    """The bytes that would leave an image together with each store path: its own, and of all it dominates."""
    freed = dict(graph.sizes)
    # Each path comes after its dominator.
    for path in reversed(dominators):
        above = dominators[path]
        if above is not None:
            freed[above] += freed[path]
    return freed


def freed_with(path: str, dominators: Mapping[str, str | None]) -> list[str]:
    """The store paths that would leave an image together with PATH, sorted."""
    freed = {path}
    for other, above in dominators.items():
        if above in freed:
            freed.add(other)
    return sorted(freed - {path})
