"""Joining bundles until few enough remain, always the two whose joining adds the least cost."""

import heapq
from collections.abc import Sequence

from laminix.plans.cost import LAYER_OVERHEAD, Bundle, join_bundles

MANY = 10_000  # with more bundles, a faster pass joins some first without searching for the cheapest pair
PASSES = 2  # limit of these passes
SAMPLE_STEP = 97  # distance of the pairs from which such a pass estimates the usual added cost


def join_neighbours(bundles: Sequence[Bundle], limit: int) -> list[Bundle]:
    """Return at most LIMIT bundles, joined from neighbours in BUNDLES, in their order."""
    for _ in range(PASSES):
        bundles = bundles if len(bundles) <= MANY else _join_roughly(bundles)
    chain = _Chain(bundles)
    while chain.length > limit:
        chain.join_cheapest()
    return chain.bundles()


def join_any(bundles: Sequence[Bundle], limit: int) -> list[Bundle]:
    """Return at most LIMIT bundles, joined from any of BUNDLES. Takes time quadratic in the number of bundles."""
    pool = _Pool(bundles)
    while pool.length > limit:
        pool.join_cheapest()
    return pool.bundles()


def _join_roughly(bundles: Sequence[Bundle]) -> list[Bundle]:
    """Return BUNDLES in order, with neighbours joined in one pass if the added cost is in the lower three quarters."""
    usual = sorted(_added_cost(*bundles[place : place + 2]) for place in range(0, len(bundles) - 1, SAMPLE_STEP))
    limit = usual[len(usual) * 3 // 4]
    starts, _, size, touches, cost = [0], *bundles[0], bundles[0].cost
    for place in range(1, len(bundles)):
        _, more, others = bundles[place]
        own_cost = (more + LAYER_OVERHEAD) * others.bit_count()
        together = (size + more + LAYER_OVERHEAD) * (touches | others).bit_count()
        if together - cost - own_cost <= limit:
            size, touches, cost = size + more, touches | others, together
        else:
            starts.append(place)
            size, touches, cost = more, others, own_cost
    return [join_bundles(bundles[start:end]) for start, end in zip(starts, [*starts[1:], len(bundles)])]


def _added_cost(left: Bundle, right: Bundle) -> int:
    """Return the cost that joining two bundles adds."""
    together = (left.size + right.size + LAYER_OVERHEAD) * (left.touches | right.touches).bit_count()
    return together - left.cost - right.cost


class _Chain:
    """Runs of bundles, identified by the index of their first bundle. Neighbouring runs can be joined."""

    def __init__(self, bundles: Sequence[Bundle]):
        self._bundles = bundles
        self.length = len(bundles)
        self._sizes = [bundle.size for bundle in bundles]
        self._touches = [bundle.touches for bundle in bundles]
        self._costs = [bundle.cost for bundle in bundles]
        self._ends = list(range(1, len(bundles) + 1))  # 0 for a run that was joined into the one before
        self._before = list(range(-1, len(bundles)))  # the run before each run
        self._queue = [(self._added_cost(left, left + 1), left, left + 1, left + 2) for left in range(len(bundles) - 1)]
        heapq.heapify(self._queue)

    def _cost(self, left: int, right: int) -> int:
        """Return the cost of two neighbours as one layer."""
        touches = (self._touches[left] | self._touches[right]).bit_count()
        return (self._sizes[left] + self._sizes[right] + LAYER_OVERHEAD) * touches

    def _added_cost(self, left: int, right: int) -> int:
        return self._cost(left, right) - self._costs[left] - self._costs[right]

    def join_cheapest(self) -> None:
        """Join the two neighbours whose joining adds the least cost."""
        left, right = self._cheapest()
        self.length -= 1
        self._costs[left] = self._cost(left, right)
        self._sizes[left] += self._sizes[right]
        self._touches[left] |= self._touches[right]
        self._touches[right] = 0  # frees its memory
        self._ends[left], self._ends[right] = self._ends[right], 0
        self._before[self._ends[left]] = left
        self._enqueue(self._before[left], left)
        self._enqueue(left, self._ends[left])

    def _cheapest(self) -> tuple[int, int]:
        while True:
            _, left, right, end = heapq.heappop(self._queue)
            # Skip pairs that were queued before one of the two grew.
            if self._ends[left] == right and self._ends[right] == end:
                return left, right

    def _enqueue(self, left: int, right: int) -> None:
        if left >= 0 and right < len(self._bundles):
            heapq.heappush(self._queue, (self._added_cost(left, right), left, right, self._ends[right]))

    def bundles(self) -> list[Bundle]:
        """Return a bundle for each run, in order."""
        return [join_bundles(self._bundles[start:end]) for start, end in enumerate(self._ends) if end]


class _Pool:
    """Bundles of which any two can be joined, identified by numbers. A joined bundle gets the next number."""

    def __init__(self, bundles: Sequence[Bundle]):
        self._bundles = dict(enumerate(bundles))
        self._costs = [bundle.cost for bundle in bundles]
        self.length = len(bundles)
        self._queue = [pair for number in self._bundles for pair in self._pairs_with_earlier(number)]
        heapq.heapify(self._queue)

    def _pairs_with_earlier(self, number: int) -> list[tuple[int, int, int]]:
        """Return (added cost, other, NUMBER) for joining bundle NUMBER with each bundle of a lower number."""
        _, size, touches = self._bundles[number]
        size, costs, own_cost = size + LAYER_OVERHEAD, self._costs, self._costs[number]
        return [
            ((size + more) * (touches | others).bit_count() - own_cost - costs[other], other, number)
            for other, (_, more, others) in self._bundles.items()
            if other < number
        ]

    def join_cheapest(self) -> None:
        """Join the two bundles whose joining adds the least cost."""
        left, right = self._cheapest()
        number = len(self._costs)
        self._bundles[number] = joined = join_bundles((self._bundles.pop(left), self._bundles.pop(right)))
        self._costs.append(joined.cost)
        self.length -= 1
        for pair in self._pairs_with_earlier(number):
            heapq.heappush(self._queue, pair)

    def _cheapest(self) -> tuple[int, int]:
        while True:
            _, left, right = heapq.heappop(self._queue)
            if left in self._bundles and right in self._bundles:
                return left, right

    def bundles(self) -> list[Bundle]:
        """Return the remaining bundles."""
        return list(self._bundles.values())
