"""From an order of store paths to runs of it that are layers: neighbours joined, then the best cuts."""

import heapq
from collections.abc import Sequence
from operator import add

from laminix.plan_cost import LAYER_PRICE, Piece, joined


def shrink(pieces: Sequence[Piece], most: int) -> list[Piece]:
    """PIECES, in their order, with neighbours joined until there are MOST at most.

    Always the two are joined whose joining costs least.
    """
    current: list[Piece | None] = list(pieces)
    after = [*range(1, len(pieces)), None]
    before = [None, *range(len(pieces) - 1)]
    waiting = [(_loss(*pieces[left : left + 2]), left, left + 1) for left in range(len(pieces) - 1)]
    heapq.heapify(waiting)
    # A piece that grew gets a new number, so what waits for an old one is known to be out of date.
    for _ in range(len(pieces) - most):
        left, right = _next_pair(waiting, current)
        grown = len(current)
        current.append(joined((current[left], current[right])))
        current[left] = current[right] = None
        before.append(before[left])
        after.append(after[right])
        if before[grown] is not None:
            after[before[grown]] = grown
            heapq.heappush(waiting, (_loss(current[before[grown]], current[grown]), before[grown], grown))
        if after[grown] is not None:
            before[after[grown]] = grown
            heapq.heappush(waiting, (_loss(current[grown], current[after[grown]]), grown, after[grown]))
    return _in_order(current, before, after)


def _loss(left: Piece, right: Piece) -> int:
    """What joining two pieces costs."""
    touches = (left.touches | right.touches).bit_count()
    return (left.size + right.size + LAYER_PRICE) * touches - left.cost - right.cost


def _next_pair(waiting: list[tuple[int, int, int]], current: Sequence[Piece | None]) -> tuple[int, int]:
    while True:
        _, left, right = heapq.heappop(waiting)
        if current[left] is not None and current[right] is not None:
            return left, right


def _in_order(current, before, after) -> list[Piece]:
    place = next((n for n, piece in enumerate(current) if piece is not None and before[n] is None), None)
    result = []
    while place is not None:
        result.append(current[place])
        place = after[place]
    return result


def cut(pieces: Sequence[Piece], most: int) -> list[list[Piece]]:
    """PIECES, in their order, as MOST runs at most, so that their cost as layers is the least possible.

    The cost does not satisfy the quadrangle inequality, so none of the shortcuts for such programs apply.
    """
    count = len(pieces)
    costs = _run_costs(pieces)
    best = [[0] + [costs[end][0] for end in range(1, count + 1)]]
    starts: list[list[int]] = [[0] * (count + 1)]
    for used in range(1, most):
        totals, choice = _one_more_run(best[-1], costs, used)
        best.append(totals)
        starts.append(choice)
    used = min(range(most), key=lambda runs: best[runs][count])
    return _runs(pieces, starts, used)


def _run_costs(pieces: Sequence[Piece]) -> list[list[int]]:
    """By where a run ends (exclusive), then where it starts: what it costs as a layer."""
    costs: list[list[int]] = []
    for end in range(len(pieces) + 1):
        row, size, touches = [0] * end, LAYER_PRICE, 0
        for start in range(end - 1, -1, -1):
            size += pieces[start].size
            touches |= pieces[start].touches
            row[start] = size * touches.bit_count()
        costs.append(row)
    return costs


def _one_more_run(best: Sequence[int], costs: Sequence[Sequence[int]], used: int) -> tuple[list[int], list[int]]:
    """For each end the least cost with one run more than in BEST, which has USED, and where that run starts."""
    totals, starts = list(best), [0] * len(best)
    for end in range(used + 1, len(best)):
        sums = list(map(add, best[used:end], costs[end][used:]))
        totals[end] = min(sums)
        starts[end] = used + sums.index(totals[end])
    return totals, starts


def _runs(pieces: Sequence[Piece], starts: Sequence[Sequence[int]], used: int) -> list[list[Piece]]:
    runs, end = [], len(pieces)
    for runs_left in range(used, -1, -1):
        start = starts[runs_left][end]
        runs.append(list(pieces[start:end]))
        end = start
    return runs[::-1]
