"""An SVG file of treemaps side by side: one self-contained document without scripts, for light and dark screens."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from laminix.errors import one_line
from laminix.pictures.treemap import Box, squarified

WIDTH, HEIGHT = 1280, 800  # pixels of the treemaps together
MARGIN = 16
LINE = 18  # pixels from one line of text to the next
LABEL = 14  # pixels that a layer's name takes
GAP = 1.5  # pixels around a layer
SMALLEST = 3.0  # square pixels: smaller cells of a layer are drawn as one
CHARACTER = 5.9  # pixels: how wide a character is on average, at FONT
FONT = 10  # pixels
CHARACTER_OF_HEADING = 7.5
CHARACTER_OF_LAYER = 6.6
FEWEST = 5  # characters of a text that is shortened; fewer say nothing

# Fill and text of each tone, on a light and on a dark screen. Contrast of text and fill is 4.5 and more.
TONES = {
    "low": (("#e3edf9", "#102a43"), ("#1d3147", "#dbe8f6")),
    "some": (("#b9d3f0", "#102a43"), ("#234a72", "#e6f0fa")),
    "half": (("#84b1e2", "#0b2036"), ("#2e679f", "#ffffff")),
    "most": (("#2f6fae", "#ffffff"), ("#64a5e3", "#06182a")),
    "all": (("#123f6d", "#ffffff"), ("#b3d7fa", "#06182a")),
    "same": (("#e4e6e9", "#2b3036"), ("#2a2f36", "#c9d1d9")),
    "along": (("#fbe0b8", "#2b1a00"), ("#6b4a1c", "#fff1dc")),
    "new": (("#f2a33c", "#2b1a00"), ("#d98a1f", "#1a0f00")),
    "cause": (("#c4314b", "#ffffff"), ("#ff8095", "#2b0008")),
    "gone": (("#b7a6d9", "#1f1140"), ("#54457c", "#f0eaff")),
}
LIGHT, DARK = ("#ffffff", "#16191d"), ("#0f1317", "#e6e9ec")  # background and text


@dataclass(frozen=True)
class Cell:
    """Something inside a layer, such as a store path."""

    label: str
    title: str  # shown while the pointer is on it
    size: int  # bytes
    tone: str


@dataclass(frozen=True)
class Block:
    """A layer and what is in it."""

    label: str
    title: str
    tone: str
    cells: Sequence[Cell]

    @property
    def size(self) -> int:
        """The bytes of all cells."""
        return sum(cell.size for cell in self.cells)


@dataclass(frozen=True)
class Panel:
    """A treemap."""

    heading: str
    blocks: Sequence[Block]

    @property
    def size(self) -> int:
        """The bytes of all blocks."""
        return sum(block.size for block in self.blocks)


def picture(heading: str, lines: Sequence[str], legend: Sequence[tuple[str, str]], panels: Sequence[Panel]) -> str:
    """An SVG document: HEADING, LINES of text, the LEGEND (tone, meaning), and PANELS side by side.

    Equal areas are equal bytes in all panels. Cells that are too small to be seen are drawn as one per layer.
    """
    legend_top = MARGIN + 28 + LINE * len(lines)
    top = legend_top + LINE + 8
    headings = LINE + 6 if any(panel.heading for panel in panels) else 0
    body = [
        _text(MARGIN, MARGIN + 14, heading, "h", WIDTH),
        *(_text(MARGIN, MARGIN + 18 + LINE * number, line, "", WIDTH) for number, line in enumerate(lines, 1)),
        *_legend(legend, legend_top),
    ]
    for panel, box in zip(panels, _panel_boxes(panels, top + headings)):
        if panel.heading:
            body.append(_text(box.x, top + 14, panel.heading, "b", box.width))
        body += _blocks(panel.blocks, box)
    width, height = WIDTH + 2 * MARGIN, top + headings + HEIGHT + MARGIN
    return _document(heading, width, height, body)


def _panel_boxes(panels: Sequence[Panel], top: float) -> Iterator[Box]:
    """The box of each panel: all as high as the largest needs, and as wide as its bytes ask for."""
    room = WIDTH - MARGIN * (len(panels) - 1)
    total = sum(panel.size for panel in panels) or 1
    x = float(MARGIN)
    for panel in panels:
        width = room * panel.size / total
        yield Box(x, top, width, HEIGHT)
        x += width + MARGIN


def _blocks(blocks: Sequence[Block], box: Box) -> Iterator[str]:
    ordered = sorted(blocks, key=lambda block: -block.size)
    for block, place in zip(ordered, squarified([block.size for block in ordered], box)):
        if place.width * place.height > 0:
            yield _rectangle(place, block.tone, block.title)
            inner = place.inner(GAP, 0)
            if inner.width > 4 * CHARACTER and inner.height > 2 * LABEL:
                yield _label(inner.x + 2, inner.y + 10, block.label, block.tone, inner.width - 4, "b")
                inner = place.inner(GAP, LABEL)
            yield from _cells(block.cells, inner)


def _cells(cells: Sequence[Cell], box: Box) -> Iterator[str]:
    ordered = _with_small_ones_joined(sorted(cells, key=lambda cell: -cell.size), box)
    for cell, place in zip(ordered, squarified([cell.size for cell in ordered], box)):
        if place.width * place.height > 0:
            yield _rectangle(place, f"{cell.tone} e", cell.title)
            if place.width > 4 * CHARACTER and place.height > FONT + 2:
                yield _label(place.x + 2, place.y + FONT, cell.label, cell.tone, place.width - 4)


def _with_small_ones_joined(cells: Sequence[Cell], box: Box) -> list[Cell]:
    total = sum(cell.size for cell in cells) or 1
    area = box.width * box.height
    large = [cell for cell in cells if cell.size * area / total >= SMALLEST]
    small = cells[len(large) :]
    if len(small) < 2:
        return list(cells)
    size = sum(cell.size for cell in small)
    return [*large, Cell("", f"{len(small)} smaller ones, {size} bytes together", size, small[0].tone)]


def _legend(legend: Iterable[tuple[str, str]], y: float) -> Iterator[str]:
    x = float(MARGIN)
    for tone, meaning in legend:
        yield _rectangle(Box(x, y, 12, 12), tone)
        yield _text(x + 17, y + 10, meaning, "", WIDTH)
        x += 17 + CHARACTER_OF_HEADING * len(meaning) + 20


# Elements.


def _rectangle(box: Box, classes: str, title: str = "") -> str:
    numbers = [_number(value) for value in box]
    start = '<rect x="{}" y="{}" width="{}" height="{}" class="{}"'.format(*numbers, classes)
    return f"{start}>{_title(title)}</rect>" if title else f"{start}/>"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _title(text: str) -> str:
    return f"<title>{_escaped(text)}</title>"


def _label(x: float, y: float, text: str, tone: str, room: float, more: str = "") -> str:
    """A label within ROOM pixels, shortened; nothing where hardly a letter would fit."""
    shown = _shortened(text, room / (CHARACTER_OF_LAYER if more else CHARACTER))
    classes = " ".join(filter(None, (f"t{tone}", more)))
    return f'<text x="{_number(x)}" y="{_number(y)}" class="{classes}">{_escaped(shown)}</text>' if shown else ""


def _text(x: float, y: float, text: str, kind: str, room: float) -> str:
    width = 9.5 if kind == "h" else CHARACTER_OF_HEADING
    classes = " ".join(filter(None, ("p", kind)))
    shown = _escaped(_shortened(text, room / width))
    return f'<text x="{_number(x)}" y="{_number(y)}" class="{classes}">{shown}</text>'


def _shortened(text: str, characters: float) -> str:
    text, most = one_line(text), int(characters)
    if len(text) <= most:
        return text
    return f"{text[: most - 1]}…" if most >= FEWEST else ""


def _escaped(text: str) -> str:
    """TEXT as XML; what XML cannot contain is written as a backslash escape."""
    return escape(one_line(text), quote=False)


def _document(title: str, width: float, height: float, body: Iterable[str]) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="max-width:100%;height:auto">',
            _title(title),
            f"<style>{_style()}</style>",
            '<rect width="100%" height="100%" class="page"/>',
            *body,
            "</svg>\n",
        )
    )


def _style() -> str:
    basic = (
        f"text{{font:{FONT}px system-ui,'DejaVu Sans',sans-serif;pointer-events:none}}"
        ".p{font-size:13px}.b{font-weight:600}.h{font-size:17px;font-weight:600}.e{stroke-width:.6}"
        ".e:hover{stroke-width:2}"
    )
    return f"{basic}{_colours(0)}@media (prefers-color-scheme:dark){{{_colours(1)}}}"


def _colours(screen: int) -> str:
    background, text = (LIGHT, DARK)[screen]
    rules = [f".page{{fill:{background}}}.p{{fill:{text}}}.e{{stroke:{background}}}"]
    rules += (f".{name}{{fill:{tone[screen][0]}}}.t{name}{{fill:{tone[screen][1]}}}" for name, tone in TONES.items())
    return "".join(rules)
