"""Pictures of an explanation and of a difference."""

import os
from collections.abc import Iterable, Mapping

from laminix.explain.difference import Difference
from laminix.explain.difference_report import describe, title
from laminix.explain.explanation import Explanation
from laminix.explain.graph import closure
from laminix.explain.package_changes import ADDED, VERSION
from laminix.explain.report import names_of
from laminix.human_size import human_size
from laminix.pictures.shares import LEGEND, tone_of
from laminix.pictures.svg import Block, Cell, Panel, picture
from laminix.store.store_path import full_name

OUTSIDE = "files outside the store"
DIFFERENCE_LEGEND = (
    ("same", "reused"),
    ("new", "changed, downloaded"),
    ("along", "unchanged, downloaded with its layer"),
    ("cause", "cause of a change"),
    ("gone", "removed or replaced"),
)


def explanation_picture(explanation: Explanation) -> str:
    """A treemap of layers and their store paths by bytes, as SVG.

    The tone of a store path is the share of the image's store paths whose update changes it, and that of a layer
    the share whose update changes any path in it.
    """
    paths = explanation.graph.sizes
    closures = {path: closure(explanation.graph, path) for path in paths}
    names = names_of(paths)

    def tone(changed_by: Iterable[str]) -> str:
        return tone_of(len(set(changed_by)) / max(1, len(paths)))

    blocks = []
    for number, contents in enumerate(explanation.contents):
        cells = [
            Cell(names[path], _path_title(explanation, path, len(closures[path])), paths[path], tone(closures[path]))
            for path in contents.store_paths
        ]
        if contents.outside.size:
            text = f"{OUTSIDE}: {contents.outside.files}, {human_size(contents.outside.size)}"
            cells.append(Cell(OUTSIDE, text, contents.outside.size, "same"))
        changed_by = set().union(*(closures[path] for path in contents.store_paths))
        blocks.append(_block(number, explanation, cells, tone(changed_by) if changed_by else "same"))
    image = explanation.image
    size = human_size(sum(layer.size for layer in image.layers))
    lines = [f"{len(image.layers)} layers, {size} as stored; {len(paths)} store paths. Areas are bytes."]
    legend = (*LEGEND, ("same", OUTSIDE)) if any(contents.outside.size for contents in explanation.contents) else LEGEND
    return picture(title(image), lines, legend, [Panel("", blocks)])


def _path_title(explanation: Explanation, path: str, changed_by: int) -> str:
    reason = explanation.reasons.by_path[path]
    because = f"needed by {full_name(reason.referrer)}" if reason.referrer else reason.root
    size = human_size(explanation.graph.sizes[path])
    return f"{os.path.basename(path)}, {size}, changes with {changed_by} store paths; {because}"


def _block(number: int, explanation: Explanation, cells: list[Cell], tone: str) -> Block:
    size = human_size(explanation.image.layers[number].size)
    return Block(f"{number}: {size}", f"layer {number}, {size}", tone, cells)


def difference_picture(difference: Difference) -> str:
    """Treemaps of both images, as SVG: what stays, what is downloaded and what caused that."""
    old, new = difference.old_explanation, difference.new_explanation
    gone = {change.old: describe(change) for change in difference.packages if change.old}
    come = {change.new: describe(change) for change in difference.packages if change.new}
    causes = {cause.change.new for cause in difference.causes}
    rebuilt = {change.new for change in difference.packages if change.kind not in (ADDED, VERSION)}
    tones = {path: "cause" if path in causes and path not in rebuilt else "new" for path in come}
    panels = [
        Panel(
            f"before: {human_size(_stored(difference.old.layers))}",
            _panel(old, set(difference.removed), "gone", "same", dict.fromkeys(gone, "gone"), gone),
        ),
        Panel(
            f"after: {human_size(_stored(difference.new.layers))}",
            _panel(new, set(difference.added), "new", "along", tones, come),
        ),
    ]
    size = human_size(difference.download)
    lines = [
        f"A machine with the old image downloads {size}: {len(difference.added)} of {len(difference.new.layers)} layers"
    ]
    return picture(f"{title(difference.old)} → {title(difference.new)}", lines, DIFFERENCE_LEGEND, panels)


def _stored(layers) -> int:
    return sum(layer.size for layer in layers)


def _panel(
    explanation: Explanation,
    changed: set[int],
    tone: str,
    unchanged_tone: str,
    tones: Mapping[str, str],
    texts: Mapping[str, str],
) -> list[Block]:
    """The layers of one image: those CHANGED in TONE, their store paths in TONES of their own or UNCHANGED_TONE."""
    names = names_of(explanation.graph.sizes)
    blocks = []
    for number, contents in enumerate(explanation.contents):
        cells = []
        for path in contents.store_paths:
            size = explanation.graph.sizes[path]
            text = f"{os.path.basename(path)}, {human_size(size)}" + (f"; {texts[path]}" if path in texts else "")
            cells.append(
                Cell(names[path], text, size, tones.get(path, unchanged_tone) if number in changed else "same")
            )
        if contents.outside.size:
            text = f"{OUTSIDE}: {contents.outside.files}, {human_size(contents.outside.size)}"
            cells.append(Cell(OUTSIDE, text, contents.outside.size, tone if number in changed else "same"))
        blocks.append(_block(number, explanation, cells, tone if number in changed else "same"))
    return blocks
