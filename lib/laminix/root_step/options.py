"""The options that say what to run and how, for all builders that run a command."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from laminix.command import json_file
from laminix.errors import LaminixError, UsageError, values_of_options
from laminix.root_step.merged_root import Bind
from laminix.store.closure import read_closure

NAME = re.compile(r"[^=\0]+")


def add_command_options(parser: argparse.ArgumentParser, can_write: bool) -> argparse._ArgumentGroup:
    """Declare on PARSER how the command runs; return the group, so that more options can join it.

    With CAN_WRITE a bind may be writable.
    """
    group = parser.add_argument_group("command")
    add = group.add_argument
    many = {"action": "append", "default": []}
    form, access = ("PATH[:DEST[:rw]]", "read-only unless `:rw` follows") if can_write else ("PATH[:DEST]", "read-only")
    add("--bind", **many, metavar=form, help=f"Show PATH of this machine at DEST (default PATH), {access}.")
    add(
        "--closure",
        type=json_file,
        metavar="FILE",
        help="Bind all store paths of a closure, as written by exportReferencesGraph or `nix path-info --json -r`.",
    )
    add("--env", **many, metavar="NAME=VALUE", help="Set a variable in addition to those of the image.")
    add("--workdir", metavar="DIR", help="Run in DIR, created if missing (default the image's, else /).")
    return group


def read_binds(options: argparse.Namespace, can_write: bool) -> list[Bind]:
    """Return the binds that OPTIONS ask for. Raises UsageError for a DEST that is not absolute."""
    closure = read_closure(options.closure) if options.closure is not None else ()
    paths = dict.fromkeys(item.path for item in closure)
    return [*(Bind(path, path) for path in paths), *(_read_bind(text, can_write) for text in options.bind)]


def _read_bind(text: str, can_write: bool) -> Bind:
    is_writable = can_write and text.endswith(":rw")
    source, colon, target = text.removesuffix(":rw" if is_writable else "").partition(":")
    target = target if colon else os.path.abspath(source)
    if not source or not target.startswith("/"):
        raise UsageError("bad --bind", f"found {text!r}, expected PATH or PATH:DEST with an absolute DEST")
    return Bind(os.path.abspath(source), target, is_writable)


def given_environment(variables: Sequence[str]) -> dict[str, str]:
    """The VARIABLES that --env gives, by name.  Raises UsageError for what is not NAME=VALUE."""
    with values_of_options():
        return _environment(variables, "bad --env")


def _environment(variables: Sequence[str], what: str) -> dict[str, str]:
    """The variables NAME=VALUE by name.  Raises LaminixError for others; WHAT says whose they are."""
    environment = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not NAME.fullmatch(name) or "\0" in value:
            raise LaminixError(what, f"found {text!r}, expected NAME=VALUE")
        environment[name] = value
    return environment


def image_environment(runtime: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that an image's config object RUNTIME sets."""
    return _environment(runtime.get("Env") or (), "bad config: config.Env")
