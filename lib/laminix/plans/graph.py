"""A closure as planning sees it: numbers instead of paths, and for each path what touches it.

An update of a package renames its store path and every path that refers to it, directly or not.  So a
path is touched by the packages in its own closure.  Hashes change with every update and versions often:
nothing here depends on the hashes, and versions only tell packages of one name apart.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from laminix.store.closure import StorePath
from laminix.store.store_path import full_name, without_version

MOST_COUNTED = 20_000  # up to so many paths each one counts; of more, a sample does
SAMPLE = 1024  # half of it roots, where there are so many
FARTHEST = 64  # steps into the graph to what tells paths of one name from each other


@dataclass(frozen=True)
class Graph:
    """Store paths by number, in the order of their names."""

    paths: tuple[str, ...]
    names: tuple[str, ...]  # of the packages, without hash and version
    sizes: tuple[int, ...]  # bytes
    references: tuple[tuple[int, ...], ...]  # of each path, without itself
    referrers: tuple[int, ...]  # how many paths refer to each


def build_graph(closure: Sequence[StorePath]) -> Graph:
    """The graph of CLOSURE; paths are numbered alike whatever their hashes and their order are."""
    full = [full_name(item.path) for item in closure]
    names = [(without_version(name), name, item.size) for name, item in zip(full, closure)]
    order = _by_name(names, closure)
    numbers = {closure[place].path: number for number, place in enumerate(order)}
    references = tuple(_numbers(closure[place], numbers) for place in order)
    return Graph(
        paths=tuple(numbers),
        names=tuple(names[place][0] for place in order),
        sizes=tuple(closure[place].size for place in order),
        references=references,
        referrers=_count_referrers(references),
    )


def _numbers(item: StorePath, numbers: dict[str, int]) -> tuple[int, ...]:
    """The numbers of what ITEM refers to, without itself."""
    own = item.path
    return tuple([numbers[path] for path in item.references if path != own])


def _count_referrers(references: Sequence[Sequence[int]]) -> tuple[int, ...]:
    counts = Counter(chain.from_iterable(references))
    return tuple([counts[number] for number in range(len(references))])


def _by_name(names: Sequence[tuple[str, str, int]], closure: Sequence[StorePath]) -> list[int]:
    """The places in CLOSURE of its paths by package, version, size and, where these agree, by their neighbours."""
    order = sorted(range(len(names)), key=names.__getitem__)
    twins = {place for pair in pairwise(order) if names[pair[0]] == names[pair[1]] for place in pair}
    if not twins:
        return order
    views = _views(names, closure, twins)
    return sorted(order, key=lambda place: (names[place], views.get(place)))


def _views(names: Sequence[object], closure: Sequence[StorePath], twins: set[int]) -> dict[int, bytes]:
    """For each of TWINS, paths of one name and size, a digest of what it refers to and of what refers to it.

    Each round sees one step further into the graph, until that tells no more of them apart.
    """
    numbers = {item.path: place for place, item in enumerate(closure)}
    below = [_numbers(item, numbers) for item in closure]
    above: dict[int, list[int]] = {place: [] for place in twins}
    for place, links in enumerate(below):
        for link in twins.intersection(links):
            above[link].append(place)
    views = {place: _digest(names[place]) for place in twins}
    for _ in range(FARTHEST):
        seen = {place: views.get(place) or _digest(names[place]) for place in _around(twins, below, above)}
        wider = {
            place: _digest(view, sorted(map(seen.get, below[place])), sorted(map(seen.get, above[place])))
            for place, view in views.items()
        }
        if len(set(wider.values())) == len(set(views.values())):
            break
        views = wider
    return views


def _around(twins: set[int], *sides) -> set[int]:
    return {other for place in twins for side in sides for other in side[place]}


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def walk(graph: Graph, rank: Sequence[int]) -> list[int]:
    """All paths, each after those it refers to, depth first from the roots.

    RANK says of each path when its turn is among what one path refers to.
    """
    roots = [number for number, count in enumerate(graph.referrers) if count == 0]
    order: list[int] = []
    seen = bytearray(len(graph.paths))
    # Where references go in a circle, which Nix does not allow, there may be no root above.
    for start in (*roots, *range(len(graph.paths))):
        if not seen[start]:
            _descend(graph, rank, start, seen, order)
    return order


def _descend(graph: Graph, rank: Sequence[int], start: int, seen: bytearray, order: list[int]) -> None:
    references, turn = graph.references, rank.__getitem__
    stack: list[tuple[int, Iterator[int]]] = [(start, iter(sorted(references[start], key=turn)))]
    seen[start] = True
    while stack:
        number, rest = stack[-1]
        for link in rest:
            if not seen[link]:
                seen[link] = True
                stack.append((link, iter(sorted(references[link], key=turn))))
                break
        else:
            order.append(number)
            stack.pop()


def touches(graph: Graph, weights: Sequence[int], order: Sequence[int]) -> list[int]:
    """For each path the set of what touches it, as the bits of a number: its weight is ``bit_count()``.

    WEIGHTS are those of the packages, by path: so many bits stand for each.  ORDER has each path after
    those it refers to, as ``walk`` gives it.
    """
    own = _own_bits(graph, weights)
    result = [0] * len(own)
    for number in order:
        bits = own[number]
        for link in graph.references[number]:
            bits |= result[link]
        result[number] = bits
    return result


def _own_bits(graph: Graph, weights: Sequence[int]) -> list[int]:
    """The bits that stand for each path, none for those that are not counted."""
    bits, first = [0] * len(graph.paths), 0
    for number in _counted(graph):
        bits[number] = ((1 << weights[number]) - 1) << first
        first += weights[number]
    return bits


def _counted(graph: Graph) -> Sequence[int]:
    """The paths whose updates count: all, or of very many the roots and a sample that updates leave alone."""
    count = len(graph.paths)
    if count <= MOST_COUNTED:
        return range(count)
    sample = sorted(range(count), key=lambda number: hashlib.sha256(graph.names[number].encode()).digest())
    roots = [number for number in sample if graph.referrers[number] == 0][: SAMPLE // 2]
    return sorted({*roots, *sample[: SAMPLE - len(roots)]})
