"""Improving layers by moving bundles between them where that lowers the total cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laminix.plans.cost import LAYER_OVERHEAD, Bundle, join_bundles, layer_cost

# A change of a layer must gain at least this part of the cost of transferring the layer once more. Without the
# threshold, a small path moves to and fro between two large layers, and each update transfers both again.
THRESHOLD = 0.01
PASSES = 8
MAX_MOVABLE = 600  # with more bundles than this, nothing is moved, because it takes too long


@dataclass(frozen=True)
class PlannedLayer:
    """The bundles of a layer before moves."""

    bundles: Sequence[Bundle]
    changed: bool = False  # differs from the previous plan and is transferred anyway, so changes to it are free


def improve_layers(
    layers: Iterable[PlannedLayer], new_bundles: Iterable[Bundle], max_layers: int, total_weight: int
) -> list[Bundle]:
    """Return at most MAX_LAYERS layers: LAYERS with NEW_BUNDLES added where they cost least, and with moves.

    TOTAL_WEIGHT is the weight of all packages together.
    """
    mutable = [_MutableLayer(layer.bundles, layer.changed) for layer in layers]
    mutable += [_MutableLayer((), True) for _ in range(max_layers - len(mutable))]
    threshold = THRESHOLD * total_weight
    for bundle in new_bundles:
        min(mutable, key=lambda layer: layer.added_cost(bundle) + threshold * layer.retransfer).add(bundle)
    if sum(len(layer.bundles) for layer in mutable) <= MAX_MOVABLE:
        _move_bundles(mutable, threshold)
    return [join_bundles(layer.bundles) for layer in mutable if layer.bundles]


def cost_with_retransfer(layers: Iterable[Bundle], previous: Iterable[PlannedLayer], total_weight: int) -> float:
    """Return the cost of LAYERS, including one transfer of the layers of PREVIOUS that are not among them."""
    layers = list(layers)
    unchanged = {frozenset(layer.members) for layer in layers}
    joined = [join_bundles(layer.bundles) for layer in previous]
    retransfer = sum(layer.size for layer in joined if frozenset(layer.members) not in unchanged)
    return sum(layer.cost for layer in layers) + THRESHOLD * total_weight * retransfer


class _MutableLayer:
    """A layer to which bundles are added and from which they are removed."""

    def __init__(self, bundles: Sequence[Bundle], changed: bool):
        self.bundles = list(bundles)
        self.changed = changed
        self._update()

    def _update(self) -> None:
        _, self.size, self.touches = join_bundles(self.bundles)
        self.cost = layer_cost(self.size, self.touches)

    @property
    def retransfer(self) -> int:
        """The bytes to transfer once more if the layer's bundles change."""
        return 0 if self.changed else self.size

    def saving(self, bundle: Bundle) -> int:
        """Return the cost that the removal of BUNDLE saves."""
        rest = 0
        for other in self.bundles:
            if other is not bundle:
                rest |= other.touches
        return self.cost - layer_cost(self.size - bundle.size, rest)

    def added_cost(self, bundle: Bundle) -> int:
        """Return the cost that the addition of BUNDLE adds."""
        touches = (self.touches | bundle.touches).bit_count()
        return (self.size + bundle.size + LAYER_OVERHEAD) * touches - self.cost

    def remove(self, bundle: Bundle) -> None:
        self.bundles.remove(bundle)
        self._update()

    def add(self, bundle: Bundle) -> None:
        self.bundles.append(bundle)
        self._update()


def _move_bundles(layers: Sequence[_MutableLayer], threshold: float) -> None:
    for _ in range(PASSES):
        if not any([_move_from(source, layers, threshold) for source in layers]):
            return


def _move_from(source: _MutableLayer, layers: Sequence[_MutableLayer], threshold: float) -> bool:
    """Move bundles from SOURCE to others of LAYERS where that gains; return whether any was moved."""
    moved = False
    for bundle in list(source.bundles):
        target = _better_layer(bundle, source, layers, threshold)
        if target is not None:
            source.remove(bundle)
            target.add(bundle)
            moved = True
    return moved


def _better_layer(
    bundle: Bundle, source: _MutableLayer, layers: Sequence[_MutableLayer], threshold: float
) -> _MutableLayer | None:
    """Return the layer to which moving BUNDLE from SOURCE gains most; None if no move gains."""
    saving, best_gain, best = source.saving(bundle) - threshold * source.retransfer, 0.0, None
    if saving <= 0:  # adding a bundle never lowers the cost of a layer
        return None
    for layer in layers:
        if layer is not source:
            gain = saving - layer.added_cost(bundle) - threshold * layer.retransfer
            if gain > best_gain:
                best_gain, best = gain, layer
    return best
