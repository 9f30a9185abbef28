"""The options of builders that run an image's command, and what they say together with the image's config."""

import argparse
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from laminix.errors import LaminixError
from laminix.forms import add_image_options, open_selected
from laminix.images.image import Image, StoredLayer
from laminix.root_step.container import split_layers
from laminix.root_step.merged_root import Bind
from laminix.root_step.options import add_command_options, given_environment, image_environment, read_binds
from laminix.root_step.step import Command
from laminix.root_step.unpacked import Unpacked, is_unpacked, read_unpacked

# What a program with the host's network needs to find other hosts.
NETWORK_FILES = ("/etc/hosts", "/etc/resolv.conf")


class Container(NamedTuple):
    """A command, and the files that it runs on."""

    parent: Unpacked | None  # an unpacked image, or None
    image: Image | None  # any other image
    layers: list[StoredLayer]  # of the image, to unpack; the store paths of the others are bound
    command: Command


def add_container_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare them on PARSER.

    COMMAND is its nargs: "*", or argparse.REMAINDER to take all that is behind IMAGE, options of its own included.
    """
    add_image_options(parser)
    parser.add_argument(
        "COMMAND",
        metavar="COMMAND",
        nargs=command,
        help="Command with its arguments, in place of the image's Cmd. Write options before IMAGE.",
    )
    add = add_command_options(parser, can_write=True).add_argument
    add("--user", metavar="USER[:GROUP]", help="Run as this user, by name or ID (default the image's, else root).")
    add("--entrypoint", metavar="PROGRAM", help="Run PROGRAM in place of the image's Entrypoint.")
    add(
        "--network",
        choices=("none", "host"),
        default="none",
        help="Give it no network or this machine's (default none).",
    )


def read_container(options: argparse.Namespace, variables: Mapping[str, str], copy: bool = False) -> Container:
    """Return the container that OPTIONS ask for; VARIABLES are set unless the image or OPTIONS set them.

    With COPY all layers are to unpack, and no store paths are bound.

    Raises LaminixError for a faulty image and faulty options.
    """
    if is_unpacked(options.IMAGE):
        if copy:
            raise LaminixError("cannot copy", "found an unpacked image, expected an image", options.IMAGE)
        parent, image = read_unpacked(os.path.abspath(options.IMAGE)), None
        runtime, layers, store_paths = parent.config.runtime, [], []
    else:
        parent, image = None, open_selected(_with_absolute_path(options))
        runtime = image.config.runtime
        layers, store_paths = (list(image.layers), []) if copy else split_layers(image)
    shown = [*store_paths, *(path for path in NETWORK_FILES if options.network == "host" and os.path.isfile(path))]
    command = Command(
        words=_words(options, runtime),
        environment={**variables, **image_environment(runtime), **given_environment(options.env)},
        user=options.user or runtime.get("User") or "0",
        directory=options.workdir or runtime.get("WorkingDir") or "/",
        binds=[Bind(path, path) for path in shown] + read_binds(options, can_write=True),
        parallel=True,
        own_network=options.network == "none",
    )
    return Container(parent, image, layers, command)


def _with_absolute_path(options: argparse.Namespace) -> argparse.Namespace:
    """Return OPTIONS with the absolute path of IMAGE: its layers are read later, from another working directory."""
    is_path = options.IMAGE != "-" and os.path.exists(options.IMAGE)  # neither standard input nor docker://
    path = os.path.abspath(options.IMAGE) if is_path else options.IMAGE
    return argparse.Namespace(**{**vars(options), "IMAGE": path})


def _words(options: argparse.Namespace, runtime: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what to run: the entrypoint, then the command. As in docker, an entrypoint given drops the image's Cmd."""
    given = options.COMMAND[1:] if options.COMMAND[:1] == ["--"] else options.COMMAND
    if options.entrypoint is not None:
        return (options.entrypoint, *given)
    found = (*(runtime.get("Entrypoint") or ()), *(given or runtime.get("Cmd") or ()))
    if not found:
        raise LaminixError("nothing to run", "the image has neither Entrypoint nor Cmd; give a COMMAND")
    return found
