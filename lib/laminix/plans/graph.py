"""The graph of a closure for planning, with numbers instead of paths, and the packages that touch each path.

A package *touches* a store path if an update of the package renames the path. An update renames the package's own
path and every path that refers to it, directly or indirectly; so a path is touched by the packages in its closure.

Updates change hashes always and versions often. The graph therefore does not depend on hashes, and uses versions
only to order packages of the same name.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from laminix.store.closure import StorePath
from laminix.store.store_path import full_name, without_version

MAX_COUNTED = 20_000  # paths; in larger closures, only updates of a sample are counted
SAMPLE_SIZE = 1024  # paths, at most half of them roots
MAX_STEPS = 64  # distance in the graph up to which neighbours are compared to order paths of the same name


@dataclass(frozen=True)
class Graph:
    """A closure. Its store paths are numbered in the order of their names."""

    paths: tuple[str, ...]
    names: tuple[str, ...]  # names of the packages, without hash and version
    sizes: tuple[int, ...]  # bytes
    references: tuple[tuple[int, ...], ...]  # of each path, without references to itself
    referrers: tuple[int, ...]  # for each path, the number of other paths that refer to it


def build_graph(closure: Sequence[StorePath]) -> Graph:
    """Return the graph of CLOSURE. The numbering does not depend on hashes or on the order of CLOSURE."""
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
    """Return the numbers of ITEM's references, without ITEM itself."""
    own = item.path
    return tuple([numbers[path] for path in item.references if path != own])


def _count_referrers(references: Sequence[Sequence[int]]) -> tuple[int, ...]:
    counts = Counter(chain.from_iterable(references))
    return tuple([counts[number] for number in range(len(references))])


def _by_name(names: Sequence[tuple[str, str, int]], closure: Sequence[StorePath]) -> list[int]:
    """Return the positions in CLOSURE, ordered by package, version and size, and finally by neighbours."""
    order = sorted(range(len(names)), key=names.__getitem__)
    twins = {place for pair in pairwise(order) if names[pair[0]] == names[pair[1]] for place in pair}
    if not twins:
        return order
    digests = _neighbour_digests(names, closure, twins)
    return sorted(order, key=lambda place: (names[place], digests.get(place)))


def _neighbour_digests(names: Sequence[object], closure: Sequence[StorePath], twins: set[int]) -> dict[int, bytes]:
    """Return, for each of TWINS (paths of the same name and size), a digest of its references and referrers.

    Each round includes neighbours one step further away, until a round distinguishes no more paths.
    """
    numbers = {item.path: place for place, item in enumerate(closure)}
    below = [_numbers(item, numbers) for item in closure]
    above: dict[int, list[int]] = {place: [] for place in twins}
    for place, links in enumerate(below):
        for link in twins.intersection(links):
            above[link].append(place)
    digests = {place: _digest(names[place]) for place in twins}
    for _ in range(MAX_STEPS):
        known = {place: digests.get(place) or _digest(names[place]) for place in _neighbours(twins, below, above)}
        wider = {
            place: _digest(digest, sorted(map(known.get, below[place])), sorted(map(known.get, above[place])))
            for place, digest in digests.items()
        }
        if len(set(wider.values())) == len(set(digests.values())):
            break
        digests = wider
    return digests


def _neighbours(twins: set[int], *sides) -> set[int]:
    return {other for place in twins for side in sides for other in side[place]}


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def walk(graph: Graph, rank: Sequence[int]) -> list[int]:
    """Return all paths, each after its references, depth first from the roots.

    RANK gives the order in which the references of a path are visited.
    """
    roots = [number for number, count in enumerate(graph.referrers) if count == 0]
    order: list[int] = []
    seen = bytearray(len(graph.paths))
    # No root leads to a cycle of references. Nix does not allow cycles, but the input is not checked for them.
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
    """Return, for each path, the packages that touch it as a bit set, whose ``bit_count()`` is their total weight.

    WEIGHTS gives the number of bits for the package of each path. ORDER has each path after its references, as
    returned by ``walk``.
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
    """Return the bits of each path's own package; 0 for paths that are not counted."""
    bits, first = [0] * len(graph.paths), 0
    for number in _counted(graph):
        bits[number] = ((1 << weights[number]) - 1) << first
        first += weights[number]
    return bits


def _counted(graph: Graph) -> Sequence[int]:
    """Return the paths whose updates count: all paths, or a sample in large closures.

    The sample depends on names only, so that it stays the same after updates.
    """
    count = len(graph.paths)
    if count <= MAX_COUNTED:
        return range(count)
    sample = sorted(range(count), key=lambda number: hashlib.sha256(graph.names[number].encode()).digest())
    roots = [number for number in sample if graph.referrers[number] == 0][: SAMPLE_SIZE // 2]
    return sorted({*roots, *sample[: SAMPLE_SIZE - len(roots)]})
