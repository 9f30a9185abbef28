"""dockerTools' functions on a node with a systemd of its own: the NixOS test's cases, and units of oci-containers."""

import json
import re
import shlex
from pathlib import Path

import pytest

import docker_tools_scripts
import nixos_test_driver
import systemd_node

UNITS = """
  import ./tests/docker_tools/units.nix {{
    pkgs = import ./tests/docker_tools/packages.nix {{ }};
    laminix = import ./. {{ pkgs = import ./tests/docker_tools/packages.nix {{ }}; }};
    engine = "{engine}";
  }}
"""

SEEDS = """
  import ./tests/docker_tools/seeds.nix {
    pkgs = import ./tests/docker_tools/packages.nix { };
    laminix = import ./. { pkgs = import ./tests/docker_tools/packages.nix { }; };
  }
"""

# What k3s imports from its directory of images, among others.
ENDINGS = (".tar", ".tar.gz", ".tar.zst")


@pytest.fixture(scope="module")
def tree(need) -> Path:
    """The files of the node, from the cache."""
    need(*systemd_node.NEEDS, root=True)
    return systemd_node.make_tree(systemd_node.CACHE)


@pytest.fixture(params=["docker", "podman"])
def engine(request) -> str:
    """The name of an engine on the node."""
    return request.param


@pytest.fixture(scope="module", params=docker_tools_scripts.SCRIPTS)
def script(request, nix, need) -> str:
    """The script of the NixOS test, or the other one; all images that it loads are built."""
    need(*docker_tools_scripts.NEEDS)
    return nix.build(docker_tools_scripts.SCRIPTS[request.param]).read_text()


@pytest.fixture
def units(nix, engine) -> dict[str, str]:
    """The text of each unit, by the name of its container."""
    return json.loads(nix.build(UNITS.format(engine=engine)).read_text())


@pytest.fixture
def node(tree, engine):
    """A started node, whose command `docker` is the engine's."""
    with systemd_node.running(tree) as started:
        if engine == "podman":
            started.succeed("ln -s /usr/bin/podman /usr/local/bin/docker")
        else:
            started.wait_for_unit("docker.service")
        yield started


def test_images_load_and_run_on_a_node(script, node):
    nixos_test_driver.run_script(script, node)


def test_units_of_oci_containers_load_and_run_images(units, node):
    for name, text in units.items():
        node.succeed(f"printf %s {shlex.quote(text)} >/etc/systemd/system/image-{name}.service")
    node.succeed("systemctl daemon-reload")
    for name in units:
        with nixos_test_driver.subtest(name):
            node.succeed(f"systemctl start image-{name}.service")
            greeting = f"docker logs {name} 2>&1 | grep -E 'this is (.*/)?{re.escape(name)}'"
            nixos_test_driver.wait_until(lambda: node.execute(greeting)[0] == 0, greeting)
            node.wait_for_unit(f"image-{name}.service")
            node.succeed(f"systemctl stop image-{name}.service")


def test_containerd_is_seeded_as_kubelet_and_k3s_do(nix, tree):
    seeds = json.loads(nix.build(SEEDS).read_text())
    with systemd_node.running(tree) as node:
        node.wait_for_unit("containerd.service")
        for name, seed in seeds.items():
            with nixos_test_driver.subtest(name):
                node.succeed(seed["command"])
                assert f"docker.io/library/{name}:latest" in node.succeed("ctr -n k8s.io image list -q").split()
                assert seed["link"].endswith(ENDINGS) and Path(seed["target"]).is_file()
