"""serve-image as a node's service: a socket from systemd, and store paths from Nix's caches."""

import contextlib
import hashlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from default_signals import restore_default_signals
from error_line import error_line
from file_trees import busybox
from image_files import manifest
from image_maker import ImageMaker
from serve_image import PROGRAM, serving

OPTION = "--socket-from-systemd"


def get(host: str, path: str) -> bytes:
    """The body of the answer, which must be a good one."""
    with contextlib.closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read()


def first_layer(image: Path) -> tuple[str, str]:
    """The path of the first layer of image `x` at a registry, and its digest."""
    digest = manifest(image)["layers"][0]["digest"]
    return f"/v2/x/blobs/{digest}", digest


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# The socket.


@pytest.fixture
def image(builder, need, tmp_path) -> Path:
    need("busybox")
    maker = ImageMaker(builder, tmp_path)
    return maker.image("x", {}, maker.layer("base", busybox()))


@contextlib.contextmanager
def activated(address: str, image: Path) -> Iterator[None]:
    """systemd's own program listens on ADDRESS and starts serve-image at the first connection."""
    argv = ["systemd-socket-activate", "--listen", address, *PROGRAM, OPTION, image]
    process = subprocess.Popen(argv, preexec_fn=restore_default_signals, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(address)
        yield
        assert process.stdout.readline() == f"{address}/x:latest\n"
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


def wait_for(address: str) -> None:
    """Wait until somebody listens on ADDRESS, without connecting."""
    port = f"{int(address.rpartition(':')[2]):04X}"
    deadline = time.monotonic() + 20
    while not any(f":{port} " in Path(table).read_text() for table in ("/proc/net/tcp", "/proc/net/tcp6")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free(family: int, host: str) -> str:
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_socket_of_systemd_is_served(need, image, family, host):
    need("systemd-socket-activate")
    path, digest = first_layer(image)
    address = free(family, host)
    with activated(address, image):
        assert json.loads(get(address, "/v2/x/tags/list"))["tags"] == ["latest"]
        assert sha256(get(address, path)) == digest


def passing(image: Path, make: Callable[[], socket.socket], count: str) -> subprocess.CompletedProcess:
    """Run serve-image with the socket that MAKE makes as descriptor 3, of COUNT that it is told of."""
    start = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.executable, sys.argv[1:])"
    with make() as given:
        return subprocess.run(
            [sys.executable, "-c", start, *PROGRAM, OPTION, image],
            env={**os.environ, "LISTEN_FDS": count},
            preexec_fn=lambda: os.dup2(given.fileno(), 3),
            pass_fds=(3,),
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.mark.parametrize(
    ("make", "count", "why"),
    [
        (socket.socket, "2", "found 2 sockets from systemd ($LISTEN_FDS), expected 1"),
        (socket.socket, "1", "found another socket from systemd, expected one that listens with TCP"),
        (
            lambda: socket.socket(socket.AF_UNIX),
            "1",
            "found another socket from systemd, expected one that listens with TCP",
        ),
        (
            lambda: socket.socket(type=socket.SOCK_DGRAM),
            "1",
            "found another socket from systemd, expected one that listens with TCP",
        ),
    ],
    ids=["two", "not listening", "Unix", "UDP"],
)
def test_another_socket_is_an_error(image, make, count, why):
    assert error_line(passing(image, make, count), "serve-image") == f"cannot serve: {why}"


def test_no_socket_is_an_error_with_the_remedy(builder, image):
    why = "found no socket from systemd ($LISTEN_PID); start it by a socket unit, or with systemd-socket-activate"
    assert error_line(builder("serve-image", OPTION, image), "serve-image") == f"cannot serve: {why}"


# Store paths from caches.


@pytest.fixture
def missing(nix, need, tmp_path) -> Iterator[tuple[str, Path]]:
    """A store path that is in a cache, and not in the store when the test says so; and the cache."""
    need(root=True)
    file = tmp_path / "from-a-cache"
    file.write_text(secrets.token_hex(64) * 10_000)
    path = nix("nix-store", "--add", file).stdout.strip()
    nix("nix", "copy", "--no-check-sigs", "--to", f"file://{tmp_path}/cache?compression=none", path)
    yield path, tmp_path / "cache"
    nix("nix-store", "--delete", path, check=False)


def image_of(builder, directory: Path, path: str) -> Path:
    """The image directory of x:latest, whose layer has PATH and no blob."""
    maker = ImageMaker(builder, directory)
    return maker.image("x", {}, maker.build("layer", "mk-layer", "--store-path", path, "--no-blob"))


def settings(cache: Path | str) -> str:
    return f"substituters = file://{cache}\nbuild-users-group =\nrequire-sigs = false\n"


def test_a_missing_store_path_comes_from_a_cache(builder, nix, missing, tmp_path):
    path, cache = missing
    image = image_of(builder, tmp_path, path)
    nix("nix-store", "--delete", path)
    assert not os.path.lexists(path)
    blob, digest = first_layer(image)
    with serving(tmp_path, "--realise", image, NIX_CONFIG=settings(cache)) as server:
        assert sha256(get(server.host, blob)) == digest
        assert os.path.isfile(path)
        assert not [line for line in server.said() if "error" in line]


def test_a_path_that_is_there_needs_no_nix(builder, missing, tmp_path):
    path, _ = missing
    blob, digest = first_layer(image := image_of(builder, tmp_path, path))
    with serving(tmp_path, "--realise", image, PATH="/nowhere") as server:
        assert sha256(get(server.host, blob)) == digest


def test_a_path_that_no_cache_has_ends_the_connection_with_an_error(builder, nix, missing, tmp_path):
    path, _ = missing
    image = image_of(builder, tmp_path, path)
    nix("nix-store", "--delete", path)
    blob, _ = first_layer(image)
    with serving(tmp_path, "--realise", image, NIX_CONFIG=settings(tmp_path / "empty")) as server:
        with pytest.raises(http.client.HTTPException):
            get(server.host, blob)
        server.awaits("serve-image: error: cannot realise: ")
        [line] = [line for line in server.said() if "error" in line]
        assert path in line
        assert json.loads(get(server.host, "/v2/x/tags/list"))["tags"] == ["latest"]


def test_without_nix_the_error_says_so(builder, nix, missing, tmp_path):
    path, _ = missing
    image = image_of(builder, tmp_path, path)
    nix("nix-store", "--delete", path)
    blob, _ = first_layer(image)
    with serving(tmp_path, "--realise", image, PATH="/nowhere") as server:
        with pytest.raises(http.client.HTTPException):
            get(server.host, blob)
        server.awaits(f"serve-image: error: cannot realise: nix-store: No such file or directory ({path})")
