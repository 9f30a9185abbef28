"""serve-image: a read-only registry of images, after the distribution specification (its sections in the names)."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from checkout import ROOT
from engines.skopeo import Skopeo
from file_trees import DIRECTORY, busybox, tar, write_directory, write_tar
from image_forms import Image, docker_v1_1, gzipped, oci_layout, sha256
from image_maker import ImageMaker
from laminix.images.image import StoredLayer
from laminix.media_types import OCI_LAYER
from laminix.transfer import server as image_server
from laminix.transfer.catalogue import Repository
from layer_files import store_path
from serve_image import PROGRAM, serving

LIB = ROOT / "lib"
CONFIG = {"Cmd": ["/bin/sh", "-c", "cat /etc/motd"]}
OLD = {"etc": DIRECTORY, "etc/motd": b"old day\n"}
LARGE = {"large": b"0123456789abcdef" * 500_000}


@pytest.fixture(scope="module")
def shelf(builder, need, tmp_path_factory) -> ImageMaker:
    need("busybox", "zstd")
    return ImageMaker(builder, tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def image(shelf) -> Path:
    """The image directory of old:latest, three layers, each with another compression."""
    layers = [shelf.layer("base", busybox(), "--compressor", "gzip"), shelf.layer("large", LARGE)]
    return shelf.image("old", CONFIG, *layers, shelf.layer("old", OLD, "--compressor", "zstd"))


@pytest.fixture(scope="module")
def recipes(shelf) -> Path:
    """The image directory of recipes:latest, whose layers keep no blob."""
    store = shelf.directory / "nix/store"
    path = store_path(store, "greeting", "good morning\n" * 100_000)
    layers = []
    for name, options in (("plain", []), ("gzip", ["--compressor", "gzip"])):
        argv = ("--store-path", path, "--no-blob", "--mtime", len(layers) + 1, *options)
        layers.append(shelf.build(f"recipe-{name}", "mk-layer", *argv))
    return shelf.image("recipes", {}, shelf.layer("base", busybox(), "--compressor", "gzip"), *layers)


@pytest.fixture(scope="module")
def server(image, recipes, shelf):
    """A server of both."""
    with serving(shelf.directory, image, recipes, NIX_STORE=str(shelf.directory / "nix/store")) as running:
        yield running


def ask(host, method, path, headers={}, body=None):
    """Status, headers and body of an answer."""
    with contextlib.closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def manifest_of(directory: Path) -> bytes:
    """The manifest in an image directory."""
    [entry] = json.loads((directory / "index.json").read_bytes())["manifests"]
    return (directory / "blobs" / entry["digest"].replace(":", "/")).read_bytes()


def assert_error(answer, status, code):
    """ANSWER is the error that Error Codes of the specification describes."""
    found, headers, body = answer
    assert (found, headers["Content-Type"]) == (status, "application/json")
    [error] = json.loads(body)["errors"]
    assert error["code"] == code and error["message"]


# The specification.


def test_end_1_determining_support(server):
    assert ask(server.host, "GET", "/v2/")[0] == 200
    assert ask(server.host, "GET", "/v2/")[1]["Docker-Distribution-API-Version"] == "registry/2.0"


@pytest.mark.parametrize("name", ("old", "library/old"))  # as people and as engines ask a mirror
def test_end_3_pulling_manifests(server, image, name):
    data = manifest_of(image)
    digest = f"sha256:{sha256(data)}"
    for reference in ("latest", digest):
        for method, body in (("GET", data), ("HEAD", b"")):
            status, headers, found = ask(server.host, method, f"/v2/{name}/manifests/{reference}")
            assert (status, found) == (200, body)
            assert headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json"
            assert (headers["Docker-Content-Digest"], headers["Content-Length"]) == (digest, str(len(data)))


def test_end_2_pulling_blobs(server, image):
    manifest = json.loads(manifest_of(image))
    for blob in (manifest["config"], *manifest["layers"]):
        path = f"/v2/old/blobs/{blob['digest']}"
        status, headers, body = ask(server.host, "GET", path)
        assert (status, f"sha256:{hashlib.sha256(body).hexdigest()}") == (200, blob["digest"])
        status, headers, nothing = ask(server.host, "HEAD", path)
        assert (status, headers["Content-Length"], nothing) == (200, str(len(body)), b"")
        assert (headers["Docker-Content-Digest"], headers["Accept-Ranges"]) == (blob["digest"], "bytes")


@pytest.mark.parametrize("name, number", (("old", 0), ("old", 1), ("recipes", 1), ("recipes", 2)))
@pytest.mark.parametrize(
    "wanted, part",
    (("0-0", slice(0, 1)), ("100-199", slice(100, 200)), ("500-", slice(500, None)), ("-300", slice(-300, None))),
)
def test_end_2_ranges(server, name, number, wanted, part):
    path = f"/v2/{name}/blobs/{json.loads(ask(server.host, 'GET', f'/v2/{name}/manifests/latest')[2])['layers'][number]['digest']}"
    whole = ask(server.host, "GET", path)[2]
    status, headers, body = ask(server.host, "GET", path, {"Range": f"bytes={wanted}"})
    assert (status, body) == (206, whole[part])
    first = range(len(whole))[part][0]
    assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"


@pytest.mark.parametrize(
    "wanted, status", (("5-4", 200), ("0-1,3-4", 200), ("x", 200), ("-", 200), ("99999999999-", 416))
)
def test_end_2_ranges_that_are_none(server, image, wanted, status):
    layer = json.loads(manifest_of(image))["layers"][1]
    found, headers, body = ask(server.host, "GET", f"/v2/old/blobs/{layer['digest']}", {"Range": f"bytes={wanted}"})
    assert found == status and (status == 416 or len(body) == layer["size"])
    assert status == 200 or headers["Content-Range"] == f"bytes */{layer['size']}"


def test_end_8_listing_tags(builder, shelf, server):
    assert json.loads(ask(server.host, "GET", "/v2/old/tags/list")[2]) == {"name": "old", "tags": ["latest"]}
    options = [word for tag in "cabd" for word in ("--tag", tag)]
    tagged = shelf.build("tagged", "mk-image", "--name", "example.org/tagged", *options)
    with serving(shelf.directory, tagged) as other:
        assert other.names == [f"{other.host}/tagged:{tag}" for tag in "cabd"]
        _, headers, body = ask(other.host, "GET", "/v2/tagged/tags/list?n=3")
        assert json.loads(body)["tags"] == ["a", "b", "c"]
        assert headers["Link"] == '</v2/tagged/tags/list?n=3&last=c>; rel="next"'
        _, headers, body = ask(other.host, "GET", "/v2/tagged/tags/list?n=3&last=c")
        assert (json.loads(body)["tags"], headers["Link"]) == (["d"], None)


def test_end_12_listing_referrers(server, image):
    digest = f"sha256:{sha256(manifest_of(image))}"
    status, headers, body = ask(server.host, "GET", f"/v2/old/referrers/{digest}?artifactType=a/b")
    assert (status, headers["Content-Type"]) == (200, "application/vnd.oci.image.index.v1+json")
    assert headers["OCI-Filters-Applied"] == "artifactType"
    assert json.loads(body)["manifests"] == []


def test_catalogue(server):
    names = ["library/old", "library/recipes", "old", "recipes"]
    assert json.loads(ask(server.host, "GET", "/v2/_catalog")[2])["repositories"] == names


@pytest.mark.parametrize(
    "path, status, code",
    [
        ("/v2/none/manifests/latest", 404, "NAME_UNKNOWN"),
        ("/v2/old/manifests/none", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/old/manifests/sha256:{'0' * 64}", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/old/blobs/sha256:{'0' * 64}", 404, "BLOB_UNKNOWN"),
        ("/v2/old/blobs/latest", 400, "DIGEST_INVALID"),
        ("/v2/old/blobs/..%2f..%2f..%2fetc%2fpasswd", 404, "UNSUPPORTED"),
        ("/v2/old/blobs", 404, "UNSUPPORTED"),
        ("/etc/passwd", 404, "UNSUPPORTED"),
        ("/v2/%00/manifests/%0a", 404, "NAME_UNKNOWN"),
    ],
)
def test_error_codes(server, path, status, code):
    answer = ask(server.host, "GET", path)
    assert_error(answer, status, code)


@pytest.mark.parametrize(
    "method, path", (("POST", "blobs/uploads/"), ("PUT", "manifests/new"), ("DELETE", "manifests/latest"))
)
def test_writes_are_refused(server, method, path):
    answer = ask(server.host, method, f"/v2/old/{path}", body=b"x" * 100)
    assert_error(answer, 405, "UNSUPPORTED")
    assert answer[1]["Allow"] == "GET, HEAD"


# Clients that are trouble.


def raw(host, data: bytes) -> bytes:
    """What the server says to DATA until it hangs up."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), 30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.mark.parametrize(
    "data, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n", b"400"),  # TLS, which docker tries first
        (b"GET\r\n\r\n", b"400"),
        (b"GET /v2/ HTTP/9.9.9\r\n\r\n", b"400"),
        (b"BREW /v2/ HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /v2/ HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /v2/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"200"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_malformed_requests(server, data, status):
    answer = raw(server.host, data)
    assert answer.split()[:2] == [b"HTTP/1.1", status] or answer.split()[:2] == [b"HTTP/1.0", status]
    assert ask(server.host, "GET", "/v2/")[0] == 200
    assert not [line for line in server.said() if "error" in line.lower()]


@pytest.mark.parametrize("name, number", (("old", 1), ("recipes", 1)))
def test_clients_that_hang_up(server, name, number):
    layer = json.loads(ask(server.host, "GET", f"/v2/{name}/manifests/latest")[2])["layers"][number]
    for size in (0, 10, 100_000):
        host, _, port = server.host.partition(":")
        with socket.create_connection((host, int(port)), 30) as connection:
            connection.sendall(f"GET /v2/{name}/blobs/{layer['digest']} HTTP/1.1\r\n\r\n".encode())
            while size > 0:
                size -= len(connection.recv(size))
    assert len(ask(server.host, "GET", f"/v2/{name}/blobs/{layer['digest']}")[2]) == layer["size"]
    assert not [line for line in server.said() if "error" in line.lower()]


def test_64_at_once_beside_slow_ones(server, image):
    layers = json.loads(manifest_of(image))["layers"]
    layers = [("old", layer) for layer in layers]
    layers += [
        ("recipes", layer) for layer in json.loads(ask(server.host, "GET", "/v2/recipes/manifests/latest")[2])["layers"]
    ]

    def fetch(number):
        name, layer = layers[number % len(layers)]
        return hashlib.sha256(ask(server.host, "GET", f"/v2/{name}/blobs/{layer['digest']}")[2]).hexdigest()

    host, _, port = server.host.partition(":")
    with contextlib.ExitStack() as slow:
        for _ in range(8):
            connection = slow.enter_context(socket.create_connection((host, int(port)), 30))
            connection.sendall(f"GET /v2/old/blobs/{layers[1][1]['digest']} HTT".encode())  # and no more
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            found = list(pool.map(fetch, range(64)))
    assert found == [layers[number % len(layers)][1]["digest"][7:] for number in range(64)]


def test_it_ends_while_it_writes_a_log_that_nobody_reads(image):
    reading, writing = os.pipe()
    size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, bytes(size))
    with subprocess.Popen([*PROGRAM, "--log", image], stdout=subprocess.PIPE, stderr=writing) as process:
        name, _, port = os.read(process.stdout.fileno(), 1 << 16).decode().partition("/")[0].partition(":")
        with socket.create_connection((name, int(port)), 30) as connection:
            connection.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
            time.sleep(0.2)  # until it waits for room in the pipe; if it does not yet, nothing can fail
            process.terminate()
            status = process.wait(20)
    assert (status, len(os.read(reading, 1 << 16))) == (0, size)
    os.close(reading)
    os.close(writing)


def test_thread_pools_are_imported_before_a_thread_forks():
    code = f"import sys; sys.path.append({str(LIB)!r}); import laminix.transfer.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "concurrent.futures.thread" in done.stdout.split()


def test_a_client_that_falls_silent_is_left(monkeypatch):
    monkeypatch.setattr(image_server._Handler, "timeout", image_server._Handler.timeout / 1000)
    running = image_server.ImageServer({})
    with image_server.serving(running), socket.create_connection(running.server_address, 30) as connection:
        connection.sendall(b"GET /v2/ HTT")
        assert connection.recv(1) == b""  # and not an error after 30 seconds


def test_no_more_layers_are_made_than_at_once(monkeypatch):
    """Each layer waits for two others that are made at the same time, in vain."""
    monkeypatch.setattr(image_server, "RECIPES_AT_ONCE", 2)
    third = threading.Barrier(3, timeout=0.5)
    digest = f"sha256:{'0' * 64}"
    layer = StoredLayer(digest, OCI_LAYER, 8, digest, "layer", lambda: io.BytesIO(bytes(8)), recipe_directory="layer")
    running = image_server.ImageServer({"x": Repository(blobs={digest: layer})}, prepare=lambda _: third.wait())
    request = f"GET /v2/x/blobs/{digest} HTTP/1.0\r\n\r\n".encode()
    with image_server.serving(running), concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda _: raw(running.host, request), range(6)))
    assert third.broken


def test_a_recipe_that_makes_something_else_is_told(shelf, builder, tmp_path):
    path = store_path(tmp_path / "nix/store", "fickle", "one\n" * 1000)
    builder("mk-layer", "--store-path", path, "--no-blob", "--out", tmp_path / "layer")
    builder("mk-image", "--name", "fickle", "--layer", tmp_path / "layer", "--out", tmp_path / "image")
    path.write_text("two\n" * 1000)
    with serving(tmp_path, tmp_path / "image", NIX_STORE=str(path.parent)) as server:
        layer = json.loads(manifest_of(tmp_path / "image"))["layers"][0]["digest"]
        ask(server.host, "GET", f"/v2/fickle/blobs/{layer}")
        server.awaits("serve-image: error: bad layer: its digest is")


# What it serves.


def test_serves_other_forms(builder, tmp_path):
    story = Image((tar({"a": b"1"}), tar({"b": b"2"})), name="story")
    archive = write_tar(str(tmp_path / "archive.tar"), docker_v1_1(story))
    layout = write_directory(str(tmp_path / "layout"), oci_layout(Image(story.layers, tag="v2"), gzipped))
    with serving(tmp_path, archive, layout) as server:
        for name in ("story:v1", "image:v2"):
            done = builder("list-layers", "--json", f"docker://{server.host}/{name}")
            assert [layer["diffID"] for layer in json.loads(done.stdout)] == story.diff_ids
            assert builder("verify-image", f"docker://{server.host}/{name}").returncode == 0


@pytest.mark.parametrize(
    "argv, why",
    [
        ((), "the following arguments are required: IMAGE"),
        (("{}", "{}", "--port", "1x"), "argument --port: invalid int value: '1x'"),
        (("/none",), "no such file or directory (/none)"),
        (("{}", "--port", "PORT"), "cannot serve: Address already in use (127.0.0.1:PORT)"),
    ],
)
def test_refuses(builder, server, image, argv, why):
    port = server.host.partition(":")[2]
    argv = [word.format(image).replace("PORT", port) for word in argv]
    done = builder("serve-image", *argv, timeout=20)
    assert done.returncode in (1, 2) and done.stderr.count("\n") == 1 and why.replace("PORT", port) in done.stderr


def test_refuses_two_images_with_one_name(builder, shelf, image, tmp_path):
    other = shelf.build("other", "mk-image", "--name", "old")
    done = builder("serve-image", image, other, timeout=20)
    assert done.stderr == "serve-image: error: cannot serve: two images have this name (old:latest)\n"


def test_the_same_image_twice_is_once(shelf, image):
    with serving(shelf.directory, image, image) as server:
        assert server.names == [f"{server.host}/old:latest"]


# Engines.


@pytest.fixture(scope="module")
def versions(shelf, image):
    """old:latest, and an image that has another last layer, both runnable."""
    layers = [shelf.layer("base", {}), shelf.layer("large", {}), shelf.layer("new", {**OLD, "etc/motd": b"new day\n"})]
    return image, shelf.image("new", CONFIG, *layers)


ENGINES = ("docker", "docker-containerd", "containerd", "podman", "buildah")


@pytest.mark.parametrize("name", ENGINES)
def test_engines_pull_what_they_lack_and_run(open_engine, versions, shelf, name):
    old, new = versions
    engine = open_engine(name)
    with serving(shelf.directory, old, new) as server:
        first = engine.pull(f"{server.host}/old:latest")
        assert engine.run(first).out == "old day\n"
        fetched = len(server.asked(kind="/blobs/"))
        second = engine.pull(f"{server.host}/new:latest")
        assert engine.run(second).out == "new day\n"
        again = [path.rpartition("/")[2] for path in server.asked(kind="/blobs/")[fetched:]]
    manifest = json.loads(manifest_of(new))
    assert set(again) == {manifest["config"]["digest"], manifest["layers"][2]["digest"]}


@pytest.mark.parametrize("name", ENGINES)
def test_engines_pull_recipes(open_engine, recipes, shelf, name):
    engine = open_engine(name)
    store = shelf.directory / "nix/store"
    with serving(shelf.directory, recipes, NIX_STORE=str(store)) as server:
        reference = engine.pull(f"{server.host}/recipes:latest")
    assert engine.run(reference, "/bin/ls", str(store)).out.split() == os.listdir(store)


def test_skopeo_copies_all(need, server, image, tmp_path, scratch):
    need("skopeo")
    Skopeo(scratch).copy(f"docker://{server.host}/old:latest", f"dir:{tmp_path / 'copy'}", "--preserve-digests")
    assert (tmp_path / "copy/manifest.json").read_bytes() == manifest_of(image)
