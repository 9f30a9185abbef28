"""The NixOS module: its units and settings on a node with systemd, docker, podman and containerd."""

import contextlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
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
FILES = """
import ./tests/nix/nixos-module-files.nix {
  inherit pkgs;
  settings = { enable = true; port = %d; images = %s; %s };
}
"""
NIX = 'nixPackage = pkgs.fromHost { name = "nix"; package = "nix-bin"; programs = [ "nix" "nix-store" ]; };'
GREETINGS = {"example.org/team/app:1.0": "good morning\n", "docker.io/library/recipes:latest": "good evening\n"}
MOST_EXPOSURE = 1.5  # of 10, as `systemd-analyze security` counts; units without a sandbox have 9.6


@pytest.fixture(scope="module")
def tree(need) -> Path:
    """The files of the node, from the cache."""
    need(*systemd_node.NEEDS, root=True)
    return systemd_node.make_tree(CACHE)


@pytest.fixture(scope="module")
def digests(nix) -> list[str]:
    """The digests of both images."""
    return [index(path)["manifests"][0]["digest"] for path in nix.build_all(IMAGES)]


@pytest.fixture(scope="module")
def node(nix, tree) -> Iterator[systemd_node.Node]:
    """A node that the module has set up."""
    files = nix.build(FILES % (PORT, IMAGES, ""))
    with systemd_node.running(tree) as started:
        set_up(started, files)
        started.wait_for_unit("docker.service")
        yield started
        assert beyond_loopback(started) == 0


def set_up(node: systemd_node.Node, files: Path) -> None:
    """Write FILES below /etc of the node.  The socket listens then, and the service has not started."""
    for name, text in json.loads(files.read_text()).items():
        path = shlex.quote(f"/etc/{name}")
        node.succeed(f"mkdir -p $(dirname {path}); printf %s {shlex.quote(text)} >{path}")
    node.succeed("systemctl daemon-reload; systemctl start laminix.socket")
    assert node.execute("systemctl is-active laminix.service")[1] == "inactive\n"


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


# Store paths that the node lacks.


@pytest.fixture
def facts(nix, builder, tmp_path) -> Iterator[tuple[Path, Path]]:
    """An image of one store path, which a cache has and the store has not; and that store path.

    The image is in the store, and refers to nothing.
    """
    (tmp_path / "payload").write_text(secrets.token_hex(64) * 10_000)
    payload = nix("nix-store", "--add", tmp_path / "payload").stdout.strip()
    for argv in (
        ("mk-layer", "--store-path", payload, "--no-blob", "--out", tmp_path / "layer"),
        ("mk-image", "--name", "example.org/facts", "--layer", tmp_path / "layer", "--out", tmp_path / "image"),
    ):
        builder(*argv, check=True)
    shutil.copytree(tmp_path / "image", tmp_path / "facts")  # in place of links, what they lead to
    image = nix("nix-store", "--add", tmp_path / "facts").stdout.strip()
    nix("nix", "copy", "--no-check-sigs", "--to", f"file://{tmp_path}/cache", payload)
    nix("nix-store", "--delete", payload)
    yield Path(image), Path(payload)
    nix("nix-store", "--delete", image, payload, check=False)


@contextlib.contextmanager
def nix_daemon(directory: str, cache: Path) -> Iterator[None]:
    """A daemon of the machine's store that takes paths from CACHE.  Its socket is in DIRECTORY."""
    settings = f"substituters = file://{cache}\nrequire-sigs = false\nbuild-users-group =\n"
    os.chmod(directory, 0o755)  # for all users, as on a machine with a daemon
    environment = {**os.environ, "NIX_DAEMON_SOCKET_PATH": f"{directory}/socket", "NIX_CONFIG": settings}
    daemon = subprocess.Popen(["nix-daemon"], env=environment, stderr=subprocess.DEVNULL)
    try:
        nixos_test_driver.wait_until(lambda: Path(f"{directory}/socket").exists(), "nix-daemon")
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def test_a_store_path_that_the_node_lacks_comes_from_a_cache(nix, need, tree, facts, scratch, tmp_path):
    """The service is a user without rights, and has no network: Nix's daemon gets the path for it."""
    need("nix-daemon")
    image, payload = facts
    files = nix.build(FILES % (PORT, f"[ {image} ]", f'registries = [ "example.org" ]; {NIX}'))
    bind = f"--bind={scratch}:/nix/var/nix/daemon-socket"
    with nix_daemon(scratch, tmp_path / "cache"), systemd_node.running(tree, bind) as node:
        set_up(node, files)
        assert not payload.exists()
        node.succeed("ctr images pull --hosts-dir /etc/containerd/certs.d example.org/facts:latest 2>&1")
        assert payload.exists()
        node.succeed("ctr images mount example.org/facts:latest /mnt 2>&1")
        assert node.succeed(f"cat /mnt{payload}") == payload.read_text()
        assert "error" not in node.succeed("journalctl --no-pager --unit laminix.service")
