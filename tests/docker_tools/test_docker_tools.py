"""dockerTools' functions: the cases of its NixOS test, on engines of this machine."""

import shutil

import pytest

import nixos_test_driver
from engines import podman as podman_engine
from engines import storage

SCRIPT = """
  let
    pkgs = import ./tests/docker_tools/packages.nix { };
    inherit (import ./. { inherit pkgs; }) dockerTools;
  in
  import ./nix/docker-tools/run-bash.nix { inherit pkgs; } "vm-test.py" {
    text = import ./tests/docker_tools/vm-test-script.nix { inherit pkgs dockerTools; };
    passAsFile = [ "text" ];
  } "cp $textPath $out"
"""


@pytest.fixture(scope="module")
def script(nix, need) -> str:
    """The script of the NixOS test; all images that it loads are built."""
    need("bash", "redis-server", "nginx", "fakeroot", "zstd")
    return nix.build(SCRIPT).read_text()


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
def test_the_cases_of_the_nixos_test(script, need, request, tmp_path, engine):
    need("curl", "docker", "nsenter", root=True)
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\nexec {request.getfixturevalue(engine)} "$@"\n')
    program.chmod(0o755)
    with nixos_test_driver.running(str(tmp_path)) as machine:
        nixos_test_driver.run_script(script, machine)
