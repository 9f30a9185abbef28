"""A closure as planning sees it: numbers instead of paths, and for each path what touches it.

An update of a package renames its store path and every path that refers to it, directly or not.  So a
path is touched by the packages in its own closure.  Hashes change with every update and versions often:
nothing here depends on the hashes, and versions only tell packages of one name apart.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from laminix.closure import StorePath
from laminix.store_path import full_name, package_name

MOST_COUNTED = 20_000  # up to so many paths each one counts; of more, a sample does
SAMPLE = 4096


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
    numbers = {item.path: number for number, item in enumerate(closure)}
    links = [[numbers[path] for path in item.references if path != item.path] for item in closure]
    order = _by_name(closure, links)
    new = [0] * len(order)
    for rank, number in enumerate(order):
        new[number] = rank
    references = tuple(tuple(sorted({new[link] for link in links[number]})) for number in order)
    return Graph(
        paths=tuple(closure[number].path for number in order),
        names=tuple(package_name(closure[number].path) for number in order),
        sizes=tuple(closure[number].size for number in order),
        references=references,
        referrers=_count_referrers(references),
    )


def _count_referrers(references: Sequence[Sequence[int]]) -> tuple[int, ...]:
    counts = [0] * len(references)
    for links in references:
        for link in links:
            counts[link] += 1
    return tuple(counts)


def _by_name(closure: Sequence[StorePath], links: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of the paths in CLOSURE by package, version and, where these agree, by place in the graph."""
    keys = [(package_name(item.path), full_name(item.path), item.size) for item in closure]
    order = sorted(range(len(closure)), key=keys.__getitem__)
    alike = (list(group) for _, group in groupby(order, keys.__getitem__))
    twins = {number for group in alike if len(group) > 1 for number in group}
    places = _places(keys, links, twins)
    return sorted(order, key=lambda number: (keys[number], places.get(number)))


def _places(keys: Sequence[object], links: Sequence[Sequence[int]], twins: set[int]) -> dict[int, bytes]:
    """For each of TWINS, paths of one name and size, a digest of what it refers to and what refers to it.

    Each round sees one step further into the graph.
    """
    referrers: dict[int, list[int]] = {number: [] for number in twins}
    for number, found in enumerate(links):
        for link in twins.intersection(found):
            referrers[link].append(number)
    places = dict.fromkeys(twins, b"")
    for _ in range(8):
        seen = {number: _digest(keys[number], places.get(number)) for number in _around(twins, links, referrers)}
        places = {
            number: _digest(*([seen[other] for other in sorted(side, key=seen.__getitem__)] for side in sides))
            for number in twins
            if (sides := (links[number], referrers[number]))
        }
    return places


def _around(twins: set[int], *sides) -> set[int]:
    return {other for number in twins for side in sides for other in side[number]}


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def walk(graph: Graph, rank: Callable[[int], object]) -> list[int]:
    """All paths, each after those it refers to, depth first from the roots; RANK orders what a path refers to."""
    roots = [number for number, count in enumerate(graph.referrers) if count == 0]
    order: list[int] = []
    done: set[int] = set()
    # Where references go in a circle, which Nix does not allow, there may be no root above.
    for start in (*roots, *range(len(graph.paths))):
        if start not in done:
            done.add(start)
            _descend(graph, rank, start, done, order)
    return order


def _descend(graph: Graph, rank: Callable[[int], object], start: int, done: set[int], order: list[int]) -> None:
    stack: list[tuple[int, Iterator[int]]] = [(start, iter(sorted(graph.references[start], key=rank)))]
    while stack:
        number, rest = stack[-1]
        following = next((link for link in rest if link not in done), None)
        if following is None:
            order.append(stack.pop()[0])
        else:
            done.add(following)
            stack.append((following, iter(sorted(graph.references[following], key=rank))))


def touches(graph: Graph, weights: Sequence[int]) -> list[int]:
    """For each path the set of what touches it, as the bits of a number: its weight is ``bit_count()``.

    WEIGHTS are those of the packages, by path: so many bits stand for each.
    """
    own = _own_bits(graph, weights)
    result = [0] * len(own)
    for number in walk(graph, lambda link: link):
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
    roots = [number for number, referrers in enumerate(graph.referrers) if referrers == 0]
    return sorted({*roots, *sample[:SAMPLE]})
