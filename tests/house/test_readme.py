"""The commands in every README.md work as they stand there, for a newcomer with a fresh clone.

What a fence calls ``sh`` is typed: all such blocks of a page, in order, in one shell, from the top of the
clone, with ``set -eu``.  A block of another language that begins with ``# NAME`` is the file NAME.
Engines are there as on a machine that has them: docker, podman, buildah, ctr and skopeo find theirs by
the environment, with empty stores; the registry at localhost:5000 is one at a free port.  Where a page
says to run the tests they are collected only.
"""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout import ROOT
from engines import containerd, daemon, docker, registry, storage
from engines.skopeo import Skopeo

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.\w+)\n")
PAGES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("README.md"))
NEEDED = ("git", "podman", "buildah", "runc", "skopeo", "docker")
NEEDED += (*docker.NEEDS, *containerd.NEEDS, *registry.NEEDS)


def commands(page: Path) -> str:
    """All that PAGE says to type, in order, for a shell; empty where it says nothing."""
    return "".join(text if language == "sh" else writing(text) for language, text in blocks(page))


def writing(text: str) -> str:
    """The command that writes TEXT to the file that it names in its first line; none where it names none."""
    name = FILE_NAME.match(text)
    return f"cat >{name[1]} <<'END'\n{text}END\n" if name else ""


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of PAGE, each with the language that it says it is in."""
    return BLOCK.findall(page.read_text())


class Machine(NamedTuple):
    """What commands find there."""

    environment: dict[str, str]
    run: str  # what stands for its /run/containerd
    registry: str  # HOST:PORT


@pytest.fixture
def machine(need, nix) -> Iterator["Machine"]:
    """A machine that has every engine and a registry."""
    need(*NEEDED, root=True)
    with contextlib.ExitStack() as stack:
        place = {name: stack.enter_context(daemon.scratch()) for name in ("docker", "ctr", "registry", "storage")}
        dockerd = stack.enter_context(docker.serve(place["docker"], "overlay2"))
        stack.enter_context(containerd.serve(place["ctr"]))
        hub = stack.enter_context(registry.serve(place["registry"]))
        environment = {
            "DOCKER_HOST": dockerd.host,
            "CONTAINERD_ADDRESS": f"{place['ctr']}/c.sock",
            "NIX_PATH": "",
            "NIX_CONFIG": "\n".join(f"{key} = {value}" for key, value in nix.settings.items()),
            "PYTEST_ADDOPTS": "--collect-only",
            **storage.environment(place["storage"]),
            **Skopeo(place["storage"]).env,
        }
        yield Machine(environment, f"{place['ctr']}/run", hub.host)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_work(request, tmp_path, page):
    script = commands(ROOT / page)
    if not script:
        return
    machine = request.getfixturevalue("machine")
    clone = tmp_path / "laminix"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    ended = subprocess.run(
        [*daemon.WITH_OWN_RUN, machine.run, "bash", "-eux"],
        input=script.replace("localhost:5000", machine.registry),
        cwd=clone,
        env={**os.environ, **machine.environment},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_says_what_it_is(page):
    """So that no command hides from the test above under another name."""
    assert {language for language, _ in blocks(ROOT / page)} <= {"sh", "text", "nix", "json", "python"}
