"""A command run in a container of an image, without an engine; what it changes is thrown away."""

import os
import signal
import socket
from collections.abc import Sequence
from functools import partial

from laminix.images.image import Image, StoredLayer
from laminix.layers.layer_directory import Layer, read_layer
from laminix.root_step import terminal
from laminix.root_step.step import Command, Step, in_namespaces
from laminix.root_step.unpacked import Unpacked
from laminix.tar.entries import Owner

FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def split_layers(image: Image) -> tuple[list[StoredLayer], list[str]]:
    """Return the layers of IMAGE to unpack, and the store paths to show in place of the others.

    A layer is not unpacked if it consists of store paths that this machine has.
    """
    unpacked, store_paths = [], dict.fromkeys(())
    for layer in image.layers:
        described = _layer_directory(layer)
        if described is not None and _is_shown(described):
            store_paths |= dict.fromkeys(described.store_paths)
        else:
            unpacked.append(layer)
    return unpacked, list(store_paths)


def _layer_directory(layer: StoredLayer) -> Layer | None:
    """Return the layer directory that LAYER is from, if its bytes are a link into one."""
    directory = layer.recipe_directory
    if directory is None and layer.file is not None:
        directory = os.path.dirname(os.path.realpath(layer.file))
    if directory is None or not os.path.isfile(os.path.join(directory, "layer.json")):
        return None
    described = read_layer(directory)
    return described if described.diff_id == layer.diff_id else None


def _is_shown(layer: Layer) -> bool:
    recipe = layer.recipe
    is_plain = recipe is not None and not recipe.copies and not recipe.perms and recipe.owner[:2] == Owner()[:2]
    return is_plain and all(os.path.lexists(path) for path in recipe.store_paths)


def run_container(parent: Unpacked | None, layers: Sequence[StoredLayer], command: Command) -> int:
    """Run COMMAND on the files of PARENT and LAYERS; return its wait status.

    Raises LaminixError if the machine forbids it.
    """
    here, there = socket.socketpair()
    interactive = terminal.is_interactive()

    def work(place: str) -> int:
        step = Step(os.path.join(place, "step"), parent, layers, command)
        return step.run(partial(_attach, there) if interactive else _keep_streams, _forward_to)

    def attend(pid: int, ended: int) -> None:
        there.close()
        for number in FORWARDED:
            signal.signal(number, lambda number, _: os.kill(pid, number))
        if interactive:
            terminal.relay(here, ended)

    return in_namespaces(work, command.own_network, attend)


def _keep_streams() -> None:
    """Leave the standard streams to the command as this process has them."""


def _attach(channel: socket.socket) -> None:
    """Give the command a terminal of its own, and CHANNEL the other end of it."""
    relayed, own = terminal.open_terminal("/dev/pts")
    socket.send_fds(channel, [b"t"], [relayed])
    os.close(relayed)
    terminal.control(own)


def _forward_to(pid: int) -> None:
    """Pass on to the command PID what signals this process gets."""
    for number in FORWARDED:
        signal.signal(number, lambda number, _: os.kill(pid, number))
