"""The formats that a report is printed in, and the options that choose one."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from laminix import strict_json
from laminix.command import Parser
from laminix.errors import UsageError
from laminix.sections import Section, as_markdown, as_text


def add_format_options(parser: Parser, formats: Sequence[str]) -> None:
    """Declare --format on PARSER, with the first of FORMATS as the default, and --json."""
    choice = parser.add_mutually_exclusive_group()
    help_ = f"Print the result as {', '.join(formats[:-1])} or {formats[-1]} (default {formats[0]})."
    choice.add_argument("--format", choices=formats, default=formats[0], help=help_)
    choice.add_argument("--json", action="store_true", help="Short for --format json.")


def chosen_format(options: argparse.Namespace) -> str:
    """The format that --format and --json choose."""
    return "json" if options.json else options.format


def rendered(
    format_: str,
    sections: Callable[[], Iterable[Section]],
    document: Callable[[], Any],
    picture: Callable[[], str] | None = None,
) -> str:
    """One result as FORMAT_ says: SECTIONS as text or Markdown, DOCUMENT as JSON, or PICTURE.

    Each is asked for only if it is needed. Raises UsageError if this result has no PICTURE.
    """
    if format_ == "svg" and picture is None:
        raise UsageError(
            "no picture", "--format svg shows whole images and plans; leave out the option that shows less"
        )
    if format_ == "svg":
        return picture()
    if format_ == "json":
        return strict_json.dumps(document()).decode("utf-8", "surrogateescape")
    return as_markdown(sections()) if format_ == "markdown" else as_text(sections())
