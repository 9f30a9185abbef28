"""Moves: bundles that come to a layer, or go from one to another, where that pays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laminix.plans.cost import LAYER_PRICE, Bundle, joined, layer_cost

# A change of a layer has to gain this part of what sending the layer once more would cost.  Without it
# one small path hops between two large layers from update to update, and both are sent again each time.
THRESHOLD = 0.01
PASSES = 8
MOST_MOVED = 600  # of more bundles than this none moves, for lack of time


@dataclass(frozen=True)
class PlannedLayer:
    """The bundles of a layer before moves."""

    bundles: Sequence[Bundle]
    sent_anyway: bool = False  # it has changed, so changing it more disturbs nothing


def improve(groups: Iterable[PlannedLayer], newcomers: Iterable[Bundle], most: int, total_weight: int) -> list[Bundle]:
    """The layers, MOST at most, that GROUPS become when NEWCOMERS have found a place and moves that pay are made.

    TOTAL_WEIGHT is that of all packages.
    """
    drafts = [_Draft(group.bundles, group.sent_anyway) for group in groups]
    drafts += [_Draft((), True) for _ in range(most - len(drafts))]
    threshold = THRESHOLD * total_weight
    for bundle in newcomers:
        min(drafts, key=lambda draft: draft.price(bundle) + threshold * draft.disturbed).add(bundle)
    if sum(len(draft.bundles) for draft in drafts) <= MOST_MOVED:
        _move(drafts, threshold)
    return [joined(draft.bundles) for draft in drafts if draft.bundles]


def price(layers: Iterable[Bundle], groups: Iterable[PlannedLayer], total_weight: int) -> float:
    """What LAYERS cost, with the price of sending once more those of GROUPS that are not among them."""
    layers = list(layers)
    there = {frozenset(layer.members) for layer in layers}
    before = [joined(group.bundles) for group in groups]
    disturbed = sum(layer.size for layer in before if frozenset(layer.members) not in there)
    return sum(layer.cost for layer in layers) + THRESHOLD * total_weight * disturbed


class _Draft:
    """A layer while bundles come and go."""

    def __init__(self, bundles: Sequence[Bundle], sent_anyway: bool):
        self.bundles = list(bundles)
        self.sent_anyway = sent_anyway
        self._sum_up()

    def _sum_up(self) -> None:
        _, self.size, self.touches = joined(self.bundles)
        self.cost = layer_cost(self.size, self.touches)

    @property
    def disturbed(self) -> int:
        """How many bytes have to be sent once more if its bundles change."""
        return 0 if self.sent_anyway else self.size

    def saving(self, bundle: Bundle) -> int:
        """What is saved when PIECE leaves."""
        rest = 0
        for other in self.bundles:
            if other is not bundle:
                rest |= other.touches
        return self.cost - layer_cost(self.size - bundle.size, rest)

    def price(self, bundle: Bundle) -> int:
        """What it costs to take PIECE in."""
        touches = (self.touches | bundle.touches).bit_count()
        return (self.size + bundle.size + LAYER_PRICE) * touches - self.cost

    def remove(self, bundle: Bundle) -> None:
        self.bundles.remove(bundle)
        self._sum_up()

    def add(self, bundle: Bundle) -> None:
        self.bundles.append(bundle)
        self._sum_up()


def _move(drafts: Sequence[_Draft], threshold: float) -> None:
    for _ in range(PASSES):
        if not any([_moved_any(draft, drafts, threshold) for draft in drafts]):
            return


def _moved_any(home: _Draft, drafts: Sequence[_Draft], threshold: float) -> bool:
    """Whether any bundle of HOME went to another of DRAFTS."""
    moved = False
    for bundle in list(home.bundles):
        target = _better_place(bundle, home, drafts, threshold)
        if target is not None:
            home.remove(bundle)
            target.add(bundle)
            moved = True
    return moved


def _better_place(bundle: Bundle, home: _Draft, drafts: Sequence[_Draft], threshold: float) -> _Draft | None:
    saving, best, place = home.saving(bundle) - threshold * home.disturbed, 0.0, None
    if saving <= 0:  # to come in is never free
        return None
    for draft in drafts:
        if draft is not home:
            gain = saving - draft.price(bundle) - threshold * draft.disturbed
            if gain > best:
                best, place = gain, draft
    return place
