"""nix/quickstart: from a clone to the greeting."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from checkout import ROOT, copy_tree
from test_nix_examples import GREETING

NO_DOCKER = {"DOCKER_HOST": "unix:///nowhere"}
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
STORAGE = """\
[storage]
driver = "vfs"
graphroot = "{0}/root"
runroot = "{0}/run"
"""


def quickstart(
    tree: Path, how: Mapping[str, Any] = MappingProxyType({}), **environment: str
) -> subprocess.CompletedProcess:
    """The ended quickstart of TREE; HOW goes to subprocess.run."""
    script = tree / "nix" / "quickstart"
    environment = {**os.environ, "NIX_PATH": "", **environment}
    return subprocess.run([script], env=environment, capture_output=True, text=True, **how)


def test_ends_with_the_containers_greeting(nix, need, tmp_path, scratch):
    need("podman", "runc", root=True)
    storage = Path(scratch) / "storage.conf"
    storage.write_text(STORAGE.format(scratch))
    ended = quickstart(copy_tree(tmp_path / "clone"), CONTAINERS_STORAGE_CONF=str(storage), **NO_DOCKER)
    assert (ended.returncode, ended.stdout) == (0, GREETING), ended.stderr


def only(directory: Path, *programs: str) -> str:
    """A PATH with nothing but PROGRAMS on it, in DIRECTORY."""
    directory.mkdir()
    for name in programs:
        (directory / name).symlink_to(shutil.which(name))
    return str(directory)


def test_says_how_to_load_the_image_where_no_engine_is(nix, tmp_path):
    programs = ("bash", "env", "dirname", "nix-build", "nix-instantiate", "id", "getent", "cat")
    ended = quickstart(copy_tree(tmp_path / "clone"), PATH=only(tmp_path / "bin", *programs))
    assert ended.returncode == 0, ended.stderr
    assert "no docker (running) and no podman" in ended.stderr
    assert "docker load -i /" in ended.stderr


def test_says_what_to_install_where_it_may_not(tmp_path, need):
    need("apt-get", "nix-build")
    path = only(tmp_path / "bin", "bash", "env", "dirname", "apt-get")
    # Whoever is asked who runs this: not root.
    Path(path, "id").write_text("#!/bin/sh\necho 1000\n")
    Path(path, "id").chmod(0o755)
    ended = quickstart(ROOT, PATH=path)
    assert ended.returncode == 1
    assert "as root: apt-get install nix-bin" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_builds_at_home_for_a_user_without_a_daemon(nix, scratch):
    """Nobody may write to the machine's store, so there is one at home."""
    os.chmod(scratch, 0o755)
    home = Path(scratch) / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    tree = copy_tree(Path(scratch) / "clone")
    for path in (tree, *tree.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055)
    ended = quickstart(tree, NOBODY, HOME=str(home), XDG_RUNTIME_DIR=str(home), **NO_DOCKER)
    assert f"built {home}/.local/share/nix/root/nix/store/" in ended.stderr
