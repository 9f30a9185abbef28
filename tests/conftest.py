"""Fixtures for all tests: the builders as a user runs them, the engines, and what to do without one."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from checkout import ROOT
from engines import daemon
from engines.every import ENGINES
from run_nix import Nix


@pytest.fixture(scope="session")
def builder() -> Callable[..., subprocess.CompletedProcess]:
    """``builder("mk-layer", "--out", path)``: the ended process of that builder, its output as text.

    Further arguments by name are those of subprocess.run; ``text=False`` gives the output as bytes.
    """

    def run(name: str, *arguments: object, **how) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-I", "-B", ROOT / "builders" / name, *map(str, arguments)]
        return subprocess.run(argv, **{"stdin": _no_input(how), "capture_output": True, "text": True, **how})

    return run


def _no_input(how: dict) -> int | None:
    """What subprocess.run may be given for stdin: it takes either that or the input itself."""
    return None if "input" in how else subprocess.DEVNULL


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """``need("podman", "runc", root=True)``: skips the test where one is missing; in CI that is a failure."""

    def check(*programs: str, root: bool = False) -> None:
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            _go_without(f"not on PATH: {', '.join(missing)} (tests/run as root installs them)")
        if root and os.geteuid() != 0:
            _go_without("needs root")

    return check


def _go_without(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def nix(need) -> Nix:
    """Nix, with the machine's own store."""
    need("nix-build")
    return Nix()


@pytest.fixture
def other_store(nix, need, tmp_path) -> Iterator[Nix]:
    """Nix with an empty store of its own, gone at the end: it is too large for pytest to keep."""
    need(root=True)
    store = tmp_path / "store"
    yield replace(nix, store=store)
    shutil.rmtree(store)


@pytest.fixture
def scratch() -> Iterator[str]:
    """A directory with a short path for an engine's state; gone at the end."""
    with daemon.scratch() as directory:
        yield directory


@pytest.fixture
def open_engine(need) -> Iterator[Callable[[str], Any]]:
    """``open_engine("podman")``: that engine of engines.every with an empty store, until the test ends."""
    with contextlib.ExitStack() as stack:

        def enter(name: str) -> Any:
            need(*ENGINES[name].needs, root=True)
            return stack.enter_context(ENGINES[name].open(stack.enter_context(daemon.scratch())))

        yield enter


@pytest.fixture(params=ENGINES)
def engine(request, open_engine) -> Any:
    """Each engine that loads and runs archives, with an empty store."""
    return open_engine(request.param)
