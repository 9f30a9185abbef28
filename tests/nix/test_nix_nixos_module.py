"""The NixOS module: its units and settings on a node with systemd, docker, podman and containerd."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import nixos_test_driver
import systemd_node
from image_files import index

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laminix" / "machines"
PORT = 5005
IMAGES = """
[
  (mkImage {
    name = "example.org/team/app"; tag = "1.0";
    config.Cmd = [ "${pkgs.busybox}/bin/echo" "good morning" ];
  })
  (mkImage {
    name = "recipes"; blob = false; compressor = "gzip";
    config.Cmd = [ "${pkgs.busybox}/bin/echo" "good evening" ];
  })
]
"""
FILES = f"""
import ./tests/nix/nixos-module-files.nix {{
  inherit pkgs;
  settings = {{ enable = true; port = {PORT}; images = {IMAGES}; }};
}}
"""
GREETINGS = {"example.org/team/app:1.0": "good morning\n", "docker.io/library/recipes:latest": "good evening\n"}
MOST_EXPOSURE = 1.5  # of 10, as `systemd-analyze security` counts; units without a sandbox have 9.6


@pytest.fixture(scope="module")
def files(nix) -> dict[str, str]:
    """The files below /etc, by path."""
    return json.loads(nix.build(FILES).read_text())


@pytest.fixture(scope="module")
def digests(nix) -> list[str]:
    """The digests of both images."""
    return [index(path)["manifests"][0]["digest"] for path in nix.build_all(IMAGES)]


@pytest.fixture(scope="module")
def node(need, files) -> Iterator[systemd_node.Node]:
    """A node with these files, on which the socket listens and the service has not started."""
    need(*systemd_node.NEEDS, root=True)
    with systemd_node.running(systemd_node.make_tree(CACHE)) as started:
        for name, text in files.items():
            path = shlex.quote(f"/etc/{name}")
            started.succeed(f"mkdir -p $(dirname {path}); printf %s {shlex.quote(text)} >{path}")
        started.succeed("systemctl daemon-reload; systemctl start laminix.socket")
        assert started.execute("systemctl is-active laminix.service")[1] == "inactive\n"
        started.wait_for_unit("docker.service")
        yield started
        assert beyond_loopback(started) == 0


def beyond_loopback(node: systemd_node.Node) -> int:
    """Bytes that the node's network interfaces other than loopback have received and sent."""
    rows = [line.split() for line in node.succeed("cat /proc/net/dev").replace(":", " ").splitlines()[2:]]
    assert "lo" in {row[0] for row in rows}
    return sum(int(row[1]) + int(row[9]) for row in rows if row[0] != "lo")


@pytest.mark.parametrize("name", GREETINGS)
def test_podman_pulls_by_the_images_own_name(node, name):
    node.succeed(f"podman pull --quiet {name}")
    assert node.succeed(f"podman run --rm --network none --pull never {name}") == GREETINGS[name]


@pytest.mark.parametrize("name", GREETINGS)
def test_containerd_pulls_by_the_images_own_name(nix, node, name, digests):
    node.succeed(f"ctr images pull --hosts-dir /etc/containerd/certs.d {name} 2>&1")
    assert digests[list(GREETINGS).index(name)] in node.succeed(f"ctr images list name=={name}")
    node.succeed(f"ctr images mount {name} /mnt 2>&1")
    echo = f"chroot /mnt {nix.build('pkgs.busybox')}/bin/echo good night"
    assert node.succeed(f"{echo}; umount /mnt") == "good night\n"


@pytest.mark.parametrize(
    ("path", "name"), [("team/app:1.0", "example.org/team/app:1.0"), ("recipes", "docker.io/library/recipes:latest")]
)
def test_docker_pulls_from_localhost(node, path, name):
    node.succeed(f"docker pull --quiet localhost:{PORT}/{path}")
    assert node.succeed(f"docker run --rm --network none localhost:{PORT}/{path}") == GREETINGS[name]


def test_an_image_that_the_node_lacks_is_not_found(node):
    assert "not found" in node.succeed(f"! docker pull localhost:{PORT}/absent 2>&1")


def test_the_service_has_few_rights(node):
    node.succeed(f"curl --silent --fail localhost:{PORT}/v2/")  # starts it
    process = node.succeed("systemctl show --property MainPID --value laminix.service").strip()
    status = dict(
        line.split(":\t", 1) for line in node.succeed(f"cat /proc/{process}/status").splitlines() if ":\t" in line
    )
    assert "0" not in status["Uid"].split() and int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert node.succeed(f"nsenter --target {process} --net cat /proc/net/dev").count(":") == 1  # a loopback of its own
    verdict = node.succeed("systemd-analyze security --no-pager laminix.service").splitlines()[-1]
    assert float(verdict.partition("laminix.service: ")[2].split()[0]) <= MOST_EXPOSURE, verdict
