"""The cost of a plan, as tables, JSON and a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from laminix.errors import LaminixError
from laminix.human_size import human_size
from laminix.pictures.shares import LEGEND, tone_of
from laminix.pictures.svg import Block, Cell, Panel, picture
from laminix.plans.cost import Bundle, expected_transfer, join_bundles, single_bundles
from laminix.plans.graph import Graph, touches
from laminix.plans.planner import plan_order
from laminix.plans.popularity import popularity_layers
from laminix.sections import Section

HEADINGS = ("LAYER", "SIZE", "PATHS", "CHANGES", "TRANSFER", "CONTAINS", "CHANGED BY")
NUMBERS = (0, 1, 2, 3, 4)  # columns aligned at the right
MAX_NAMES = 3  # package names in a cell


@dataclass(frozen=True)
class PlanCost:
    """The layers of a plan and the effect of updates on them. Sizes are in bytes, shares between 0 and 1."""

    graph: Graph
    layers: tuple[Bundle, ...]
    paths: tuple[Bundle, ...]  # one for each store path of the layers
    updates: int  # number of updates, each counted by its weight
    transfer: float  # bytes that an average update transfers
    contest: float  # the same for a popularity contest with as many layers
    least: float  # the same for one layer for each store path

    def share(self, bundle: Bundle) -> float:
        """Return the share of updates that change BUNDLE."""
        return bundle.touches.bit_count() / self.updates


def measure(graph: Graph, weights: Sequence[int], plan: Sequence[Sequence[str]]) -> PlanCost:
    """Return the cost of PLAN, the store paths of each layer, for updates of GRAPH's packages weighted by WEIGHTS.

    Raises LaminixError for a path in PLAN that is not in GRAPH.
    """
    touched = touches(graph, weights, plan_order(graph))
    everything = join_bundles(single_bundles(range(len(graph.paths)), graph.sizes, touched))
    updates = max(1, everything.touches.bit_count())
    layers = [join_bundles(single_bundles(members, graph.sizes, touched)) for members in _numbered(graph, plan)]
    numbers = [number for layer in layers for number in layer.members]
    paths = single_bundles(numbers, graph.sizes, touched)
    contest = popularity_layers(graph, numbers, len(layers)) if layers else []
    popular = [join_bundles(single_bundles(members, graph.sizes, touched)) for members in contest]
    transfers = (expected_transfer(bundles) / updates for bundles in (layers, popular, paths))
    return PlanCost(graph, tuple(layers), tuple(paths), updates, *transfers)


def _numbered(graph: Graph, plan: Sequence[Sequence[str]]) -> list[list[int]]:
    numbers = {path: number for number, path in enumerate(graph.paths)}
    unknown = next((path for layer in plan for path in layer if path not in numbers), None)
    if unknown is not None:
        raise LaminixError("bad plan", f"{unknown} is not in the closure; give the closure that was planned")
    return [[numbers[path] for path in layer] for layer in plan]


def sections(cost: PlanCost) -> list[Section]:
    """Return the tables of layers and of totals.

    CHANGES is the percentage of updates that change a layer, TRANSFER the bytes of it that an average update transfers.
    """
    rows = [(str(index), *_row(cost, layer)) for index, layer in enumerate(cost.layers)]
    totals = [
        _total("average transfer of an update", cost.transfer, cost.least),
        _total("popularity contest with as many layers", cost.contest, cost.least),
        _total("one layer for each path (minimum)", cost.least, cost.least),
    ]
    left = len(cost.graph.paths) - len(cost.paths)
    lines = [f"paths of the closure in no layer: {left}"] if left else []
    return [
        Section(columns=HEADINGS, rows=rows, numbers=NUMBERS),
        Section(columns=("TOTAL", "BYTES", "OF MINIMUM"), rows=totals, numbers=(1, 2), lines=lines),
    ]


def _row(cost: PlanCost, layer: Bundle) -> tuple[str, ...]:
    names = cost.graph.names
    return (
        human_size(layer.size),
        str(len(layer.members)),
        f"{100 * cost.share(layer):.1f} %",
        human_size(layer.size * cost.share(layer)),
        _some(names[number] for number in _by_size(cost, layer)),
        _some(["itself", *(names[number] for number in _below(cost.graph, layer.members))]),
    )


def _by_size(cost: PlanCost, layer: Bundle) -> list[int]:
    return sorted(layer.members, key=lambda number: (-cost.graph.sizes[number], number))


def _below(graph: Graph, members: Sequence[int]) -> list[int]:
    """Return the closure of MEMBERS without MEMBERS, direct references first."""
    found = list(members)
    seen = set(members)
    for number in found:
        new = [link for link in graph.references[number] if link not in seen]
        seen.update(new)
        found += new
    return found[len(members) :]


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - MAX_NAMES
    return ", ".join(listed[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _total(what: str, transfer: float, least: float) -> tuple[str, str, str]:
    return what, human_size(transfer), f"x {transfer / least:.2f}" if least else "x 1.00"


def to_json(cost: PlanCost) -> dict[str, Any]:
    """Return COST as a JSON object."""
    return {
        "layers": [
            {
                "storePaths": [cost.graph.paths[number] for number in layer.members],
                "size": layer.size,
                "changes": round(cost.share(layer), 6),
                "transfer": round(layer.size * cost.share(layer)),
            }
            for layer in cost.layers
        ],
        "transfer": round(cost.transfer),
        "popularityContest": round(cost.contest),
        "least": round(cost.least),
        "leftOut": len(cost.graph.paths) - len(cost.paths),
    }


def to_picture(cost: PlanCost) -> str:
    """Return an SVG treemap of layers and store paths: areas are bytes, tones the share of updates that change them."""
    by_number = {bundle.members[0]: bundle for bundle in cost.paths}
    blocks = []
    for index, layer in enumerate(cost.layers):
        cells = [_cell(cost, number, cost.share(by_number[number])) for number in layer.members]
        text = f"layer {index}, {human_size(layer.size)}, changed by {100 * cost.share(layer):.1f} % of updates"
        blocks.append(Block(f"{index}: {human_size(layer.size)}", text, tone_of(cost.share(layer)), cells))
    size = human_size(sum(layer.size for layer in cost.layers))
    lines = [f"An average update transfers {human_size(cost.transfer)} of {size}. Areas are bytes."]
    return picture(
        f"Plan of {len(cost.layers)} layers, {len(cost.paths)} store paths", lines, LEGEND, [Panel("", blocks)]
    )


def _cell(cost: PlanCost, number: int, share: float) -> Cell:
    size, path = cost.graph.sizes[number], cost.graph.paths[number]
    text = f"{path[path.rfind('/') + 1 :]}, {human_size(size)}, changed by {100 * share:.1f} % of updates"
    return Cell(cost.graph.names[number], text, size, tone_of(share))
