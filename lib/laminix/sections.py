"""Reports for people: sections of text and tables, as plain text or as Markdown."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from laminix.errors import one_line
from laminix.table import aligned

SPECIAL = re.compile(r"([\\`*_{}\[\]|#~])")


@dataclass(frozen=True)
class Section:
    """A heading, a table, and lines below the table; each of them may be missing."""

    heading: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numbers: Collection[int] = ()  # columns that line up at the right
    lines: Sequence[str] = ()


def as_text(sections: Iterable[Section]) -> str:
    """The sections as plain text, with a blank line between two."""
    return "\n".join(filter(None, map(_text, sections)))


def as_markdown(sections: Iterable[Section]) -> str:
    """The sections as Markdown with tables, as GitHub and GitLab show it."""
    return "\n".join(filter(None, map(_markdown, sections)))


def _text(section: Section) -> str:
    heading = f"{one_line(section.heading)}\n" if section.heading else ""
    rows = [[one_line(cell) for cell in row] for row in section.rows]
    table = aligned([section.columns, *rows], section.numbers) if rows else ""
    return heading + table + "".join(f"{one_line(line)}\n" for line in section.lines)


def _markdown(section: Section) -> str:
    blocks = []
    if section.heading:
        blocks.append(f"### {_escaped(section.heading)}\n")
    if section.rows:
        rules = ["---:" if column in section.numbers else "---" for column in range(len(section.columns))]
        rows = [[_escaped(cell) for cell in row] for row in section.rows]
        blocks.append("".join(_markdown_row(row) for row in (section.columns, rules, *rows)))
    if section.lines:
        blocks.append("".join(f"- {_escaped(line.lstrip())}\n" for line in section.lines))
    return "\n".join(blocks)


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _escaped(text: str) -> str:
    """TEXT without any meaning in Markdown or HTML, on one line."""
    plain = SPECIAL.sub(r"\\\1", one_line(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
