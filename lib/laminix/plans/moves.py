"""Moves: pieces that come to a layer, or go from one to another, where that pays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laminix.plans.cost import LAYER_PRICE, Piece, joined, layer_cost

# A change of a layer has to gain this part of what sending the layer once more would cost.  Without it
# one small path hops between two large layers from update to update, and both are sent again each time.
THRESHOLD = 0.01
PASSES = 8
MOST_MOVED = 600  # of more pieces than this none moves, for lack of time


@dataclass(frozen=True)
class Group:
    """The pieces of a layer before moves."""

    pieces: Sequence[Piece]
    sent_anyway: bool = False  # it has changed, so changing it more disturbs nothing


def improve(groups: Iterable[Group], newcomers: Iterable[Piece], most: int, total_weight: int) -> list[Piece]:
    """The layers, MOST at most, that GROUPS become when NEWCOMERS have found a place and moves that pay are made.

    TOTAL_WEIGHT is that of all packages.
    """
    drafts = [_Draft(group.pieces, group.sent_anyway) for group in groups]
    drafts += [_Draft((), True) for _ in range(most - len(drafts))]
    threshold = THRESHOLD * total_weight
    for piece in newcomers:
        min(drafts, key=lambda draft: draft.price(piece) + threshold * draft.disturbed).add(piece)
    if sum(len(draft.pieces) for draft in drafts) <= MOST_MOVED:
        _move(drafts, threshold)
    return [joined(draft.pieces) for draft in drafts if draft.pieces]


def price(layers: Iterable[Piece], groups: Iterable[Group], total_weight: int) -> float:
    """What LAYERS cost, with the price of sending once more those of GROUPS that are not among them."""
    layers = list(layers)
    there = {frozenset(layer.members) for layer in layers}
    before = [joined(group.pieces) for group in groups]
    disturbed = sum(layer.size for layer in before if frozenset(layer.members) not in there)
    return sum(layer.cost for layer in layers) + THRESHOLD * total_weight * disturbed


class _Draft:
    """A layer while pieces come and go."""

    def __init__(self, pieces: Sequence[Piece], sent_anyway: bool):
        self.pieces = list(pieces)
        self.sent_anyway = sent_anyway
        self._sum_up()

    def _sum_up(self) -> None:
        _, self.size, self.touches = joined(self.pieces)
        self.cost = layer_cost(self.size, self.touches)

    @property
    def disturbed(self) -> int:
        """How many bytes have to be sent once more if its pieces change."""
        return 0 if self.sent_anyway else self.size

    def saving(self, piece: Piece) -> int:
        """What is saved when PIECE leaves."""
        rest = 0
        for other in self.pieces:
            if other is not piece:
                rest |= other.touches
        return self.cost - layer_cost(self.size - piece.size, rest)

    def price(self, piece: Piece) -> int:
        """What it costs to take PIECE in."""
        touches = (self.touches | piece.touches).bit_count()
        return (self.size + piece.size + LAYER_PRICE) * touches - self.cost

    def remove(self, piece: Piece) -> None:
        self.pieces.remove(piece)
        self._sum_up()

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self._sum_up()


def _move(drafts: Sequence[_Draft], threshold: float) -> None:
    for _ in range(PASSES):
        if not any([_moved_any(draft, drafts, threshold) for draft in drafts]):
            return


def _moved_any(home: _Draft, drafts: Sequence[_Draft], threshold: float) -> bool:
    """Whether any piece of HOME went to another of DRAFTS."""
    moved = False
    for piece in list(home.pieces):
        target = _better_place(piece, home, drafts, threshold)
        if target is not None:
            home.remove(piece)
            target.add(piece)
            moved = True
    return moved


def _better_place(piece: Piece, home: _Draft, drafts: Sequence[_Draft], threshold: float) -> _Draft | None:
    saving, best, place = home.saving(piece) - threshold * home.disturbed, 0.0, None
    if saving <= 0:  # to come in is never free
        return None
    for draft in drafts:
        if draft is not home:
            gain = saving - draft.price(piece) - threshold * draft.disturbed
            if gain > best:
                best, place = gain, draft
    return place
