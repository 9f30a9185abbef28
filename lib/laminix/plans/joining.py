"""Pieces joined to fewer ones, always those two whose joining costs least."""

import heapq
from collections.abc import Sequence

from laminix.plans.cost import LAYER_PRICE, Bundle, joined

MANY = 10_000  # of more bundles some are joined without looking for the cheapest: that takes long
PASSES = 2  # how often
SPARSELY = 97  # one pair of neighbours in so many says what joining mostly costs


def join_neighbours(bundles: Sequence[Bundle], most: int) -> list[Bundle]:
    """BUNDLES joined to MOST runs at most, in their order."""
    for _ in range(PASSES):
        bundles = bundles if len(bundles) <= MANY else _coarse(bundles)
    chain = _Chain(bundles)
    while chain.length > most:
        chain.join_cheapest()
    return chain.bundles()


def join_any(bundles: Sequence[Bundle], most: int) -> list[Bundle]:
    """BUNDLES joined to MOST at most, whichever two are cheapest to join.

    That takes time in the square of the bundles.
    """
    pool = _Pool(bundles)
    while pool.length > most:
        pool.join_cheapest()
    return pool.bundles()


def _coarse(bundles: Sequence[Bundle]) -> list[Bundle]:
    """BUNDLES, in their order, with neighbours joined in one pass where that costs no more than it mostly does."""
    usual = sorted(_loss(*bundles[place : place + 2]) for place in range(0, len(bundles) - 1, SPARSELY))
    limit = usual[len(usual) * 3 // 4]
    starts, _, size, touches, cost = [0], *bundles[0], bundles[0].cost
    for place in range(1, len(bundles)):
        _, more, others = bundles[place]
        own_cost = (more + LAYER_PRICE) * others.bit_count()
        together = (size + more + LAYER_PRICE) * (touches | others).bit_count()
        if together - cost - own_cost <= limit:
            size, touches, cost = size + more, touches | others, together
        else:
            starts.append(place)
            size, touches, cost = more, others, own_cost
    return [joined(bundles[start:end]) for start, end in zip(starts, [*starts[1:], len(bundles)])]


def _loss(left: Bundle, right: Bundle) -> int:
    """What joining two bundles costs."""
    together = (left.size + right.size + LAYER_PRICE) * (left.touches | right.touches).bit_count()
    return together - left.cost - right.cost


class _Chain:
    """Runs of bundles, each known by where it starts, of which neighbours may be joined."""

    def __init__(self, bundles: Sequence[Bundle]):
        self._bundles = bundles
        self.length = len(bundles)
        self._sizes = [bundle.size for bundle in bundles]
        self._touches = [bundle.touches for bundle in bundles]
        self._costs = [bundle.cost for bundle in bundles]
        self._ends = list(range(1, len(bundles) + 1))  # 0 for a run that is part of the one before
        self._before = list(range(-1, len(bundles)))  # where the run before each starts
        self._waiting = [(self._loss(left, left + 1), left, left + 1, left + 2) for left in range(len(bundles) - 1)]
        heapq.heapify(self._waiting)

    def _cost(self, left: int, right: int) -> int:
        """What two neighbours cost as one layer."""
        touches = (self._touches[left] | self._touches[right]).bit_count()
        return (self._sizes[left] + self._sizes[right] + LAYER_PRICE) * touches

    def _loss(self, left: int, right: int) -> int:
        return self._cost(left, right) - self._costs[left] - self._costs[right]

    def join_cheapest(self) -> None:
        """Join the two neighbours whose joining costs least."""
        left, right = self._cheapest()
        self.length -= 1
        self._costs[left] = self._cost(left, right)
        self._sizes[left] += self._sizes[right]
        self._touches[left] |= self._touches[right]
        self._touches[right] = 0  # its memory is wanted
        self._ends[left], self._ends[right] = self._ends[right], 0
        self._before[self._ends[left]] = left
        self._wait_for(self._before[left], left)
        self._wait_for(left, self._ends[left])

    def _cheapest(self) -> tuple[int, int]:
        while True:
            _, left, right, end = heapq.heappop(self._waiting)
            # What was put there before either of the two grew is out of date.
            if self._ends[left] == right and self._ends[right] == end:
                return left, right

    def _wait_for(self, left: int, right: int) -> None:
        if left >= 0 and right < len(self._bundles):
            heapq.heappush(self._waiting, (self._loss(left, right), left, right, self._ends[right]))

    def bundles(self) -> list[Bundle]:
        """The runs, in order."""
        return [joined(self._bundles[start:end]) for start, end in enumerate(self._ends) if end]


class _Pool:
    """Pieces of which any two may be joined, each known by a number; a joined one has the next."""

    def __init__(self, bundles: Sequence[Bundle]):
        self._bundles = dict(enumerate(bundles))
        self._costs = [bundle.cost for bundle in bundles]
        self.length = len(bundles)
        self._waiting = [pair for number in self._bundles for pair in self._with_earlier(number)]
        heapq.heapify(self._waiting)

    def _with_earlier(self, number: int) -> list[tuple[int, int, int]]:
        """What joining the bundle NUMBER with each of lower number costs, and their numbers."""
        _, size, touches = self._bundles[number]
        size, costs, own_cost = size + LAYER_PRICE, self._costs, self._costs[number]
        return [
            ((size + more) * (touches | others).bit_count() - own_cost - costs[other], other, number)
            for other, (_, more, others) in self._bundles.items()
            if other < number
        ]

    def join_cheapest(self) -> None:
        """Join the two whose joining costs least."""
        left, right = self._cheapest()
        number = len(self._costs)
        self._bundles[number] = whole = joined((self._bundles.pop(left), self._bundles.pop(right)))
        self._costs.append(whole.cost)
        self.length -= 1
        for pair in self._with_earlier(number):
            heapq.heappush(self._waiting, pair)

    def _cheapest(self) -> tuple[int, int]:
        while True:
            _, left, right = heapq.heappop(self._waiting)
            if left in self._bundles and right in self._bundles:
                return left, right

    def bundles(self) -> list[Bundle]:
        """What there is now."""
        return list(self._bundles.values())
