"""dockerTools' functions on engines of this machine: the cases of its NixOS test, and what others do with it."""

import shutil

import pytest

import docker_tools_scripts
import nixos_test_driver
from engines import podman as podman_engine
from engines import storage


@pytest.fixture(scope="module", params=docker_tools_scripts.SCRIPTS)
def script(request, nix, need) -> str:
    """The script of the NixOS test, or the other one; all images that it loads are built."""
    need(*docker_tools_scripts.NEEDS)
    return nix.build(docker_tools_scripts.SCRIPTS[request.param]).read_text()


@pytest.fixture
def docker(open_engine) -> str:
    """The command line of docker, for a daemon with an empty store."""
    return f"{shutil.which('docker')} --host {open_engine('docker').host}"


@pytest.fixture
def podman(need, scratch) -> str:
    """The command line of podman, with an empty store."""
    need(*podman_engine.NEEDS, root=True)
    settings = " ".join(f"{key}={value}" for key, value in storage.configure(scratch).items())
    return f"env {settings} podman --root {scratch}/root --runroot {scratch}/run --tmpdir {scratch}/tmp --runtime runc"


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_images_load_and_run(script, need, request, tmp_path, engine):
    need("curl", "docker", "nsenter", root=True)
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\nexec {request.getfixturevalue(engine)} "$@"\n')
    program.chmod(0o755)
    with nixos_test_driver.running(str(tmp_path)) as machine:
        nixos_test_driver.run_script(script, machine)
