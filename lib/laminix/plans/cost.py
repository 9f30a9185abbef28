"""What a layer costs: the bytes that an update moves on average, and a price for each layer moved.

A layer moves whole when anything in it was touched.  Its cost is its bytes times the weight of what
touches any of its paths.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# What moving a layer costs besides its bytes, in bytes: 2 KiB of headers and documents, and a round trip
# of 20 ms at 12.5 MB/s.
LAYER_PRICE = 2048 + 250_000


class Bundle(NamedTuple):
    """Store paths that stay together while a plan is made: a path, a run of them, a whole layer."""

    members: tuple[int, ...]  # numbers of paths
    size: int  # bytes
    touches: int  # what touches any of them, as bits

    @property
    def cost(self) -> int:
        """What it costs as a layer, in bytes times weight."""
        return layer_cost(self.size, self.touches)


def layer_cost(size: int, touches: int) -> int:
    """What a layer of SIZE bytes costs that is touched by TOUCHES, in bytes times weight."""
    return (size + LAYER_PRICE) * touches.bit_count()


def single_bundles(numbers: Iterable[int], sizes: Sequence[int], touches: Sequence[int]) -> list[Bundle]:
    """A bundle for each path in NUMBERS, in their order."""
    return [Bundle((number,), sizes[number], touches[number]) for number in numbers]


def joined(bundles: Iterable[Bundle]) -> Bundle:
    """BUNDLES as one."""
    members: list[int] = []
    size = touches = 0
    for bundle in bundles:
        members += bundle.members
        size += bundle.size
        touches |= bundle.touches
    return Bundle(tuple(members), size, touches)


def parted(wholes: Iterable[Bundle], bundles: Iterable[Bundle]) -> list[list[Bundle]]:
    """For each of WHOLES, which are made by joining BUNDLES, those that it is made of."""
    by_first = {bundle.members[0]: bundle for bundle in bundles}
    return [[by_first[number] for number in whole.members if number in by_first] for whole in wholes]


def expected_transfer(layers: Iterable[Bundle]) -> int:
    """The bytes that one update of each package would move, weighed, without the price of a layer."""
    return sum(layer.size * layer.touches.bit_count() for layer in layers)
