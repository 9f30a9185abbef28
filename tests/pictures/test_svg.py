"""SVG files of treemaps: valid, self-contained, legible on light and dark screens."""

import re
from xml.etree import ElementTree

import pytest

from laminix.pictures.svg import DARK, LIGHT, TONES, Block, Cell, Panel, picture

SVG = "{http://www.w3.org/2000/svg}"
LEGEND = [("low", "rarely"), ("all", "always")]


def drawn(*panels: Panel, heading: str = "an image") -> str:
    return picture(heading, ["a line"], LEGEND, panels)


def titles(document: str) -> list[str]:
    return [title.text for title in ElementTree.fromstring(document).iter(f"{SVG}title")]


def test_titles_and_labels():
    cells = [Cell("glibc-2.40", "glibc-2.40, 30 MiB", 3000, "low"), Cell("zlib", "zlib, 1 MiB", 1000, "all")]
    document = drawn(Panel("before", [Block("0: 31 MiB", "layer 0", "half", cells)]))
    assert titles(document) == ["an image", "layer 0", "glibc-2.40, 30 MiB", "zlib, 1 MiB"]
    texts = [text.text for text in ElementTree.fromstring(document).iter(f"{SVG}text")]
    assert texts == ["an image", "a line", "rarely", "always", "before", "0: 31 MiB", "glibc-2.40", "zlib"]


EVIL = "<script>&\"' ]]> \x00\x1b[31m \ud800 \udcff \ufffe \u202e é"


def test_any_name_gives_valid_xml():
    document = drawn(Panel(EVIL, [Block(EVIL, EVIL, "low", [Cell(EVIL, EVIL, 9, "low")])]), heading=EVIL)
    assert set(titles(document)) == {EVIL.encode("unicode_escape").decode().replace("\\xe9", "é")}
    document.encode("utf-8")


def test_nothing_is_loaded_and_nothing_runs():
    document = drawn(Panel("", [Block("0", "layer 0", "low", [Cell("a", "a", 1, "low")])]))
    root = ElementTree.fromstring(document)
    assert {element.tag for element in root.iter()} == {SVG + tag for tag in ("svg", "title", "style", "rect", "text")}
    assert "url(" not in document and "@import" not in document and "href" not in document
    assert "prefers-color-scheme:dark" in document


def test_small_cells_are_drawn_as_one():
    cells = [Cell("large", "large", 10**9, "low"), *(Cell(f"s{n}", f"s{n}", 10, "low") for n in range(50))]
    found = titles(drawn(Panel("", [Block("0", "layer 0", "low", cells)])))
    assert found == ["an image", "layer 0", "large", "50 smaller ones, 500 bytes together"]


def test_panels_show_equal_bytes_as_equal_areas():
    blocks = [Block("", "block", "low", [Cell("", "cell", size, "low")]) for size in (600, 200)]
    root = ElementTree.fromstring(drawn(Panel("a", blocks[:1]), Panel("b", blocks[1:])))
    areas = [
        float(rectangle.get("width")) * float(rectangle.get("height"))
        for rectangle in root.iter(f"{SVG}rect")
        if rectangle.findtext(f"{SVG}title") == "block"
    ]
    assert areas[0] / areas[1] == pytest.approx(3, rel=0.01)


def test_two_thousand_paths_in_a_hundred_layers_stay_small():
    title = f"{'a' * 32}-some-package-1.2.3, 490.8 KiB, changes with 123 store paths; needed by other-package-4.5"
    cells = [Cell("some-package-1.2.3", title, 1000 + number, "half") for number in range(20)]
    blocks = [Block("0: 1 MiB", "layer 0", "low", cells)] * 100
    assert len(drawn(Panel("", blocks))) < 500_000
    assert len(drawn(Panel("", blocks), Panel("", blocks))) < 1_000_000


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", TONES)
def test_text_contrasts_with_its_tone(name):
    for fill, text in TONES[name]:
        assert re.fullmatch("#[0-9a-f]{6}", fill) and contrast(fill, text) >= 4.5


def test_headings_contrast_with_the_page():
    assert all(contrast(*pair) >= 7 for pair in (LIGHT, DARK))
