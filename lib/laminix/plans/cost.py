"""The cost of a layer: the bytes that updates transfer, with an overhead for each transferred layer.

A layer is transferred whole if an update touches any of its paths. Its cost is therefore its size times the total
weight of the packages that touch it (see ``graph``).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Bytes that the transfer of a layer costs besides its content: 2 KiB of headers and documents, and a round trip of
# 20 ms at 12.5 MB/s.
LAYER_OVERHEAD = 2048 + 250_000


class Bundle(NamedTuple):
    """A set of store paths that stay together: a single path, a run of paths, or a whole layer."""

    members: tuple[int, ...]  # numbers of paths
    size: int  # bytes
    touches: int  # packages that touch any member, as a bit set

    @property
    def cost(self) -> int:
        """The cost of the bundle as a layer, in bytes times weight."""
        return layer_cost(self.size, self.touches)


def layer_cost(size: int, touches: int) -> int:
    """Return the cost, in bytes times weight, of a layer of SIZE bytes that the packages TOUCHES touch."""
    return (size + LAYER_OVERHEAD) * touches.bit_count()


def single_bundles(numbers: Iterable[int], sizes: Sequence[int], touches: Sequence[int]) -> list[Bundle]:
    """Return a bundle for each path in NUMBERS, in their order."""
    return [Bundle((number,), sizes[number], touches[number]) for number in numbers]


def join_bundles(bundles: Iterable[Bundle]) -> Bundle:
    """Return one bundle with all members of BUNDLES, in order."""
    members: list[int] = []
    size = touches = 0
    for bundle in bundles:
        members += bundle.members
        size += bundle.size
        touches |= bundle.touches
    return Bundle(tuple(members), size, touches)


def split_bundles(joined: Iterable[Bundle], parts: Iterable[Bundle]) -> list[list[Bundle]]:
    """Return, for each bundle in JOINED, the bundles of PARTS that it was joined from."""
    by_first = {part.members[0]: part for part in parts}
    return [[by_first[number] for number in bundle.members if number in by_first] for bundle in joined]


def expected_transfer(layers: Iterable[Bundle]) -> int:
    """Return the bytes transferred by one update of each package, times its weight, without overhead."""
    return sum(layer.size * layer.touches.bit_count() for layer in layers)
