"""What a plan costs: a table for people, JSON, and a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from laminix.errors import LaminixError
from laminix.human_size import human_size
from laminix.pictures.shares import LEGEND, tone_of
from laminix.pictures.svg import Block, Cell, Panel, picture
from laminix.plans.cost import Bundle, expected_transfer, joined, single_bundles
from laminix.plans.graph import Graph, touches
from laminix.plans.planner import plan_order
from laminix.plans.popularity import popularity_layers
from laminix.sections import Section

HEADINGS = ("LAYER", "SIZE", "PATHS", "CHANGES", "MOVES", "HOLDS", "CHANGED BY")
NUMBERS = (0, 1, 2, 3, 4)  # columns that line up at the right
NAMED = 3  # packages that are named where there are more


@dataclass(frozen=True)
class PlanCost:
    """What a plan makes of updates; sizes are in bytes, shares between 0 and 1."""

    graph: Graph
    layers: tuple[Bundle, ...]
    paths: tuple[Bundle, ...]  # one for each store path of the layers
    updates: int  # how many updates are counted
    transfer: float  # bytes that an update transfers on average
    contest: float  # the same with as many layers by popularity contest
    least: float  # the same with a layer for each store path

    def share(self, bundle: Bundle) -> float:
        """In which share of updates BUNDLE changes."""
        return bundle.touches.bit_count() / self.updates


def measure(graph: Graph, weights: Sequence[int], plan: Sequence[Sequence[str]]) -> PlanCost:
    """What PLAN, the store paths of each layer, makes of updates of GRAPH's packages.

    WEIGHTS says how often each changes.  Raises LaminixError for a path that is not in GRAPH.
    """
    touched = touches(graph, weights, plan_order(graph))
    everything = joined(single_bundles(range(len(graph.paths)), graph.sizes, touched))
    updates = max(1, everything.touches.bit_count())
    layers = [joined(single_bundles(members, graph.sizes, touched)) for members in _numbered(graph, plan)]
    numbers = [number for layer in layers for number in layer.members]
    paths = single_bundles(numbers, graph.sizes, touched)
    contest = popularity_layers(graph, numbers, len(layers)) if layers else []
    popular = [joined(single_bundles(members, graph.sizes, touched)) for members in contest]
    transfers = (expected_transfer(bundles) / updates for bundles in (layers, popular, paths))
    return PlanCost(graph, tuple(layers), tuple(paths), updates, *transfers)


def _numbered(graph: Graph, plan: Sequence[Sequence[str]]) -> list[list[int]]:
    numbers = {path: number for number, path in enumerate(graph.paths)}
    foreign = next((path for layer in plan for path in layer if path not in numbers), None)
    if foreign is not None:
        raise LaminixError("bad plan", f"{foreign} is not in the closure; was it made for another one?")
    return [[numbers[path] for path in layer] for layer in plan]


def sections(cost: PlanCost) -> list[Section]:
    """COST as a report: CHANGES is the share of updates that change a layer, MOVES its bytes in an average one."""
    rows = [(str(index), *_row(cost, layer)) for index, layer in enumerate(cost.layers)]
    totals = [
        _total("an update moves on average", cost.transfer, cost.least),
        _total("a popularity contest with as many layers", cost.contest, cost.least),
        _total("a layer for each path, the least possible", cost.least, cost.least),
    ]
    left = len(cost.graph.paths) - len(cost.paths)
    lines = [f"paths of the closure in none of these layers: {left}"] if left else []
    return [
        Section(columns=HEADINGS, rows=rows, numbers=NUMBERS),
        Section(columns=("TOTAL", "BYTES", "OF THE LEAST"), rows=totals, numbers=(1, 2), lines=lines),
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
    """What MEMBERS refer to, directly first, without themselves."""
    found = list(members)
    seen = set(members)
    for number in found:
        new = [link for link in graph.references[number] if link not in seen]
        seen.update(new)
        found += new
    return found[len(members) :]


def _some(names: Iterable[str]) -> str:
    first = list(names)
    more = len(first) - NAMED
    return ", ".join(first[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _total(what: str, transfer: float, least: float) -> tuple[str, str, str]:
    return what, human_size(transfer), f"x {transfer / least:.2f}" if least else "x 1.00"


def to_json(cost: PlanCost) -> dict[str, Any]:
    """COST as a JSON object."""
    return {
        "layers": [
            {
                "storePaths": [cost.graph.paths[number] for number in layer.members],
                "size": layer.size,
                "changes": round(cost.share(layer), 6),
                "moves": round(layer.size * cost.share(layer)),
            }
            for layer in cost.layers
        ],
        "moves": round(cost.transfer),
        "popularityContest": round(cost.contest),
        "least": round(cost.least),
        "leftOut": len(cost.graph.paths) - len(cost.paths),
    }


def to_picture(cost: PlanCost) -> str:
    """COST as a treemap of layers and store paths by bytes, as SVG; tones are shares of updates."""
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
