"""The options that say what to run and how, for all builders that run a command."""

import argparse
import os
import re
from collections.abc import Sequence

from laminix.command import json_file
from laminix.errors import LaminixError
from laminix.root_step.merged_root import Bind
from laminix.store.closure import read_closure

NAME = re.compile(r"[^=\0]+")


def add_command_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare on PARSER how the command runs; return the group, so that more options can join it."""
    group = parser.add_argument_group("command")
    add = group.add_argument
    many = {"action": "append", "default": []}
    add("--bind", **many, metavar="PATH[:DEST]", help="Show PATH of this machine at DEST (default PATH), read-only.")
    add(
        "--closure",
        type=json_file,
        metavar="FILE",
        help="Bind all store paths of a closure, as written by exportReferencesGraph or `nix path-info --json -r`.",
    )
    add("--env", **many, metavar="NAME=VALUE", help="Set a variable in addition to those of the image.")
    add("--workdir", metavar="DIR", help="Run in DIR, created if missing (default the image's, else /).")
    return group


def read_binds(options: argparse.Namespace) -> list[Bind]:
    """The binds that OPTIONS ask for.  Raises LaminixError for a path that is not absolute."""
    closure = read_closure(options.closure) if options.closure is not None else ()
    paths = dict.fromkeys(item.path for item in closure)
    return [*(Bind(path, path) for path in paths), *map(read_bind, options.bind)]


def read_bind(text: str) -> Bind:
    """The bind PATH[:DEST]."""
    source, colon, target = text.partition(":")
    target = target if colon else os.path.abspath(source)
    if not source or not target.startswith("/"):
        raise LaminixError("bad --bind", f"found {text!r}, expected PATH or PATH:DEST with an absolute DEST")
    return Bind(os.path.abspath(source), target)


def read_environment(variables: Sequence[str], what: str) -> dict[str, str]:
    """The variables NAME=VALUE by name.  Raises LaminixError for others; WHAT says whose they are."""
    environment = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not NAME.fullmatch(name) or "\0" in value:
            raise LaminixError(what, f"found {text!r}, expected NAME=VALUE")
        environment[name] = value
    return environment
