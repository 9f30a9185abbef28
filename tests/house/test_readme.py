"""The commands in every README.md work as they stand there, for a newcomer with a fresh clone.

What a fence calls ``sh`` is typed: each such block alone, in a clone of its own, from its top, with
``set -eu``.  A block of another language before it that begins with ``# NAME`` is the file NAME.
Engines are there as on a machine that has them: docker, podman, buildah, ctr and skopeo find theirs by
the environment, with empty stores; the registry at localhost:5000 is one at a free port.  Where a page
says to run the tests they are collected only.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from checkout import ROOT
from engines import containerd, daemon, docker, registry, storage
from engines.skopeo import Skopeo
from readme import blocks, scripts

PAGES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("README.md"))
NEEDED = ("git", "podman", "buildah", "runc", "skopeo", "docker")
NEEDED += (*docker.NEEDS, *containerd.NEEDS, *registry.NEEDS)


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


SCRIPTS = [pytest.param(script, id=f"{page}-{n}") for page in PAGES for n, script in enumerate(scripts(ROOT / page))]


@pytest.mark.parametrize("script", SCRIPTS)
def test_commands_work(machine, tmp_path, script):
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
