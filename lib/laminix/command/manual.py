"""A builder's man page, made from its parser."""

import argparse

from laminix import __version__


def manual_page(parser: argparse.ArgumentParser) -> str:
    """Return the man page of PARSER's command in roff (man(7))."""
    description = (parser.description or "").strip().splitlines()
    lines = [
        f'.TH {parser.prog.upper()} 1 "" "laminix {__version__}"',
        ".SH NAME",
        f"{_text(parser.prog)} \\- {_text(description[0].rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_text(parser.prog)}",
        _text(_synopsis(parser)),
        ".SH DESCRIPTION",
        *(_text(line) or ".PP" for line in description),
    ]
    for group in parser._action_groups:
        if group._group_actions:
            lines.append(f".SH {_text((group.title or 'options').upper())}")
            for action in group._group_actions:
                lines += [".TP", _term(action), _text(action.help or "")]
    example = (parser.epilog or "").partition(":\n")[2]
    lines += [".SH EXAMPLE", ".nf", *map(_text, example.splitlines()), ".fi"]
    return "\n".join(lines) + "\n"


def _synopsis(parser: argparse.ArgumentParser) -> str:
    """Return the words of the usage line that follow the command's name."""
    words = " ".join(parser.format_usage().split())
    return words.partition(f"{parser.prog} ")[2]


def _term(action: argparse.Action) -> str:
    """Return an option with its argument, or the name of a positional argument, as the head of a paragraph."""
    if not action.option_strings:
        return f"\\fI{_text(str(action.metavar))}\\fR"
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} \\fI{_text(value_name(action))}\\fR"


def value_name(action: argparse.Action) -> str:
    """Return how help writes the value of an option."""
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _text(line: str) -> str:
    """Return LINE so that roff prints it as it is."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    line = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in line)
    return f"\\&{line}" if line[:1] in (".", "'") else line
