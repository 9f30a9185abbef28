"""Options that explain-image, diff-image and explain-plan share, and the formats they print."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from laminix import strict_json
from laminix.command import Parser
from laminix.explain.sections import Section, as_markdown, as_text


def add_format_options(parser: Parser, formats: Sequence[str]) -> None:
    """Declare --format on PARSER, with the first of FORMATS as the default, and --json."""
    choice = parser.add_mutually_exclusive_group()
    help_ = f"Print the result as {', '.join(formats[:-1])} or {formats[-1]} (default {formats[0]})."
    choice.add_argument("--format", choices=formats, default=formats[0], help=help_)
    choice.add_argument("--json", action="store_true", help="Short for --format json.")


def chosen_format(options: argparse.Namespace) -> str:
    """The format that --format and --json choose."""
    return "json" if options.json else options.format


def rendered(format_: str, sections: Iterable[Section], document: Callable[[], Any]) -> str:
    """SECTIONS as text or Markdown, or the JSON value that DOCUMENT returns, as FORMAT_ says."""
    if format_ == "json":
        return strict_json.dumps(document()).decode("utf-8", "surrogateescape")
    return as_markdown(sections) if format_ == "markdown" else as_text(sections)


def count(text: str) -> int:
    """The whole number in TEXT, zero or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, zero or more")
    return int(text)


def layer_number(text: str) -> int | str:
    """The number of a layer in TEXT, or ``all``."""
    if text == "all":
        return text
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected the number of a layer; IMAGE goes before --files")
    return int(text)
