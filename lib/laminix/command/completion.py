"""Completion of a builder's options in shells, made from its parser."""

import argparse
import re
from collections.abc import Iterator

from laminix.command.manual import value_name

# Metavars of options whose values are no names of files.
NOT_FILES = re.compile(r"N|NAME.*|TIME|ARCH|OS.*|VARIANT|KEY=.*|USER.*|COMMAND|TAG|WORD|SIZE|COUNT|PATTERN|REFERENCE")


def bash(parser: argparse.ArgumentParser) -> str:
    """Return the script for bash, which bash-completion loads by its name."""
    function = f"_laminix_{parser.prog.replace('-', '_')}"
    words = "cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
    lines = [f"{function}() {{", f"  local {words}", "  case $prev in"]
    for action in _with_values(parser):
        names = "|".join(_options(action))
        if action.choices is not None:
            words = " ".join(map(str, action.choices))
            lines.append(f'    {names}) COMPREPLY=($(compgen -W "{words}" -- "$cur")); return ;;')
        elif not _takes_files(action):
            lines.append(f"    {names}) COMPREPLY=(); return ;;")
    options = " ".join(name for action in parser._actions for name in _options(action))
    return "\n".join(
        [
            *lines,
            "  esac",
            "  case $cur in",
            f'    -*) COMPREPLY=($(compgen -W "{options}" -- "$cur")) ;;',
            '    *) COMPREPLY=($(compgen -f -- "$cur")) ;;',
            "  esac",
            "}",
            f"complete -o filenames -F {function} {parser.prog}",
            "",
        ]
    )


def zsh(parser: argparse.ArgumentParser) -> str:
    """Return the function for zsh's $fpath."""
    words = []
    for action in parser._actions:
        for name in _options(action):
            repeated = "*" if isinstance(action, argparse._AppendAction) else ""
            value = "" if action.nargs == 0 else f":{_zsh(value_name(action))}:{_zsh_values(action)}"
            words.append(f"{repeated}{name}[{_zsh(_summary(action))}]{value}")
    quoted = [f"  {_quoted(word)}" for word in [*words, "*:file:_files"]]
    return f"#compdef {parser.prog}\n\n_arguments \\\n" + " \\\n".join(quoted) + "\n"


def fish(parser: argparse.ArgumentParser) -> str:
    """Return the commands for fish."""
    lines = []
    for action in parser._actions:
        for name in _options(action):
            words = ["complete", "-c", parser.prog, "-l", name.removeprefix("--"), "-d", _fish(_summary(action))]
            if action.choices is not None:
                words += ["-x", "-a", _fish(" ".join(map(str, action.choices)))]
            elif action.nargs != 0:
                words.append("-r" if _takes_files(action) else "-x")
            lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def _with_values(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if _options(action) and action.nargs != 0)


def _options(action: argparse.Action) -> list[str]:
    return [name for name in action.option_strings if name.startswith("--")]


def _takes_files(action: argparse.Action) -> bool:
    return action.choices is None and not NOT_FILES.fullmatch(value_name(action))


def _summary(action: argparse.Action) -> str:
    """Return the first sentence of an option's help, without its full stop."""
    return re.split(r"[.:;](?:\s|$)", " ".join((action.help or "").split()))[0]


def _zsh_values(action: argparse.Action) -> str:
    if action.choices is not None:
        return f"({' '.join(map(str, action.choices))})"
    return "_files" if _takes_files(action) else " "


def _zsh(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
