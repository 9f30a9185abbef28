"""One case: a damaged request is given to its builder, which gives a result, or exits with one line for each error."""

import contextlib
import io
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator
from functools import cache
from types import CodeType

import mutated_requests
from limits import LONGEST_LINE, TooSlow, limited

from checkout import ROOT

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(seed: int, number: int, directory: str) -> str | None:
    """Return what went wrong in case NUMBER, with its traceback; None if nothing did. DIRECTORY is emptied."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    world = _world(os.path.dirname(directory))
    builder, attributes = mutated_requests.request(random.Random(f"{seed} {number}"), world, directory)
    try:
        found = _fault(builder, *ended(builder, attributes, world, directory), directory)
    except (Exception, TooSlow):
        found = traceback.format_exc()
    return found and f"{builder} with {attributes!r}:\n{found}"


def ended(builder: str, attributes: bytes, world: mutated_requests.World, directory: str) -> tuple[int, str]:
    """Return the exit status of BUILDER, run in DIRECTORY with ATTRIBUTES, and what it says on standard error."""
    file = os.path.join(directory, "attributes.json")
    with open(file, "wb") as stream:
        stream.write(attributes)
    try:
        with limited(), _surroundings(world, directory, file) as said:
            exec(_code(builder), {"__name__": "__main__", "__file__": _code(builder).co_filename})
    except SystemExit as error:
        return error.code, said.getvalue()
    raise AssertionError("it does not exit")


def _fault(builder: str, status: int, said: str, directory: str) -> str | None:
    """Return what is wrong with the end of BUILDER, or None."""
    if status > 128:
        raise KeyboardInterrupt
    out = os.path.join(directory, "out")
    if os.path.exists(os.path.join(directory, mutated_requests.CANARY)):
        return "a document has run a command"
    if [name for name in os.listdir(directory) if ".laminix-" in name]:
        return "a draft is left"
    if status == 0:
        return f"it says {said!r}" if said else None if os.path.lexists(out) else "there is no output"
    if os.path.lexists(out):
        return "it failed, and there is an output"
    lines = said.splitlines()
    good = (line.startswith(f"{builder}: error: ") and line.isprintable() for line in lines)
    if status not in (1, 2) or not lines or not all(good) or max(map(len, lines)) > LONGEST_LINE:
        return f"status {status}, {said[:2000]!r}"
    return None


@contextlib.contextmanager
def _surroundings(world: mutated_requests.World, directory: str, attributes: str) -> Iterator[io.StringIO]:
    """Let a builder run as under Nix, in DIRECTORY; yield what goes to standard error."""
    environment, handlers = dict(os.environ), {number: signal.getsignal(number) for number in SIGNALS}
    argv, place, output, said = sys.argv, os.getcwd(), os.dup(1), io.StringIO()
    settings = {"NIX_ATTRS_JSON_FILE": attributes, "NIX_STORE": world.store, "NIX_BUILD_CORES": "1"}
    try:
        os.environ.update(settings)
        os.chdir(directory)
        sys.argv = ["builder"]
        with contextlib.redirect_stderr(said):
            yield said
    finally:
        os.dup2(output, 1)  # a builder that fails may have closed its own
        os.close(output)
        sys.argv = argv
        os.chdir(place)
        os.environ.clear()
        os.environ.update(environment)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@cache
def _world(directory: str) -> mutated_requests.World:
    return mutated_requests.make_world(os.path.join(directory, "world"))


@cache
def _code(builder: str) -> CodeType:
    path = ROOT / "builders" / builder
    return compile(path.read_text(), str(path), "exec")
