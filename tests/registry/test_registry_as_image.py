"""docker://… wherever an image is taken: read by list-layers, verify-image, pack-image and merge-parent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engines import registry
from engines.daemon import scratch
from engines.skopeo import Skopeo
from file_trees import tar, write_directory
from image_forms import ARCHITECTURE, Image, gzipped, mixed, oci_index, oci_layout, sha256

LAYERS = (tar({"a": b"x" * 3_000_000}), tar({"b": b"2"}), tar({"c": b"3"}))
IMAGE = Image(LAYERS, name="story", tag="v1")


@pytest.fixture(scope="module")
def hub(need, tmp_path_factory):
    """A registry with IMAGE, compressed in several ways, as story:v1, and as a multi-platform image story:all."""
    need("docker-registry", "skopeo", "zstd", root=True)
    directory = tmp_path_factory.mktemp("hub")
    others = [Image(LAYERS[:1], architecture="s390x"), Image(LAYERS, architecture=ARCHITECTURE)]
    with scratch() as state, registry.serve(state) as running:
        skopeo = Skopeo(str(directory))
        layout = write_directory(str(directory / "layout"), oci_layout(IMAGE, mixed))
        skopeo.push(f"oci:{layout}:v1", f"docker://{running.host}/story:v1")
        index = write_directory(str(directory / "index"), oci_index(others, gzipped))
        skopeo.copy(f"oci:{index}:v1", f"docker://{running.host}/story:all", "--all", "--preserve-digests")
        yield running


def listed(builder, *argv):
    done = builder("list-layers", "--json", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("argv", ([], ["--platform", f"linux/{ARCHITECTURE}"]))
def test_lists_what_the_layout_had_with_two_requests(builder, hub, argv):
    with hub.counted() as requests:
        layers = listed(builder, f"docker://{hub.host}/story:v1", *argv)
    assert [layer["diffID"] for layer in layers] == IMAGE.diff_ids
    assert [layer["digest"] for layer in layers] == [f"sha256:{sha256(mixed(layer)[1])}" for layer in LAYERS]
    assert [request.path.split("/")[3] for request in requests] == ["manifests", "blobs"]
    assert requests[1].path.endswith(sha256(IMAGE.config()))


def test_chooses_the_platform_of_an_index_with_three_requests(builder, hub):
    with hub.counted() as requests:
        layers = listed(builder, f"docker://{hub.host}/story:all", "--platform", "linux/s390x")
    assert [layer["diffID"] for layer in layers] == IMAGE.diff_ids[:1]
    assert len(requests) == 3


def test_takes_the_machines_platform_if_none_is_named(builder, hub):
    assert len(listed(builder, f"docker://{hub.host}/story:all")) == 3


def test_takes_a_digest(builder, hub):
    digest = json.loads(pushed_index())["manifests"][0]["digest"]
    assert len(listed(builder, f"docker://{hub.host}/story@{digest}")) == 3


def pushed_index() -> bytes:
    """The index.json of the layout that was pushed as story:v1."""
    return oci_layout(IMAGE, mixed)["index.json"]


def test_verifies_every_blob(builder, hub):
    done = builder("verify-image", f"docker://{hub.host}/story:v1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{hub.host}/story:v1: ")


def test_packs_an_archive_with_the_same_layers(builder, hub, tmp_path):
    out = tmp_path / "story.tar"
    done = builder("pack-image", f"docker://{hub.host}/story:v1", "--format", "docker-archive", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert [layer["diffID"] for layer in listed(builder, out)] == IMAGE.diff_ids


def test_is_a_parent(builder, hub, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "d").write_text("4")
    builder("mk-layer", "--copy", tmp_path / "tree", "--out", tmp_path / "layer")
    builder("mk-image", "--name", "child", "--layer", tmp_path / "layer", "--out", tmp_path / "image")
    parent = f"docker://{hub.host}/story:v1"
    done = builder("merge-parent", "--parent", parent, "--image", tmp_path / "image", "--out", tmp_path / "child")
    assert (done.returncode, done.stderr) == (0, "")
    assert [layer["diffID"] for layer in listed(builder, tmp_path / "child")][:3] == IMAGE.diff_ids


def blob_file(hub, digest: str) -> Path:
    """The file in which the registry keeps a blob."""
    hexadecimal = digest.partition(":")[2]
    storage = Path(hub.log).parent / "data/docker/registry/v2/blobs/sha256"
    return storage / hexadecimal[:2] / hexadecimal / "data"


def test_a_blob_that_the_registry_lost_is_one_line(builder, hub, tmp_path):
    layer = listed(builder, f"docker://{hub.host}/story:v1")[1]
    file = blob_file(hub, layer["digest"])
    kept = file.read_bytes()
    file.write_bytes(bytes(len(kept)))
    done = builder("pack-image", f"docker://{hub.host}/story:v1", "--format", "oci", "--out", tmp_path / "out")
    file.write_bytes(kept)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"expected {layer['digest']}" in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "address, why",
    [
        ("{}/story:v9", "the registry has no such image (docker://{}/story:v9)"),
        ("{}/no/such", "the registry has no such image (docker://{}/no/such:latest)"),
        ("{}/Story", "'Story' has upper-case letters"),
        ("{}/story:-", "bad image tag: found '-'"),
        ("{}/story@sha256:12", "found the digest 'sha256:12', expected sha256:<64 hex digits>"),
        ("127.0.0.1:1/story", "Connection refused"),
    ],
)
def test_errors_are_one_line(builder, hub, address, why):
    done = builder("list-layers", "docker://" + address.format(hub.host))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert why.format(hub.host) in done.stderr


def test_no_file_needs_what_speaks_http(builder, tmp_path):
    """What speaks HTTP and TLS is imported for docker:// only."""
    layout = write_directory(str(tmp_path / "layout"), oci_layout(IMAGE))
    program = f"""
import runpy, sys
sys.argv = ["list-layers", {layout!r}]
try:
    runpy.run_path({str(Path(__file__).parents[2] / "builders" / "list-layers")!r}, run_name="__main__")
except SystemExit:
    pass
found = {{"http.client", "ssl", "socket", "laminix.registry"}} & set(sys.modules)
assert not found, found
"""
    assert subprocess.run([sys.executable, "-IB", "-c", program], capture_output=True, text=True).stderr == ""
