"""pull-image, prefetch-image and fetchImage: images from a registry with every digest as it is."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from engines import registry
from engines.daemon import scratch
from engines.skopeo import Skopeo
from file_trees import tar, write_directory
from image_forms import ARCHITECTURE, Image, digest, gzipped, mixed, oci_index, oci_layout
from registry_faults import Once, disturbed

LAYERS = (tar({"a": b"x" * 3_000_000}), tar({"b": b"2"}), tar({"c": b"3"}))
STORY = Image(LAYERS, name="story", tag="v1")


@pytest.fixture(scope="module")
def hub(need, tmp_path_factory):
    """A registry with story:v1, an OCI image; story:docker, the same as Docker has it; and story:all, an index."""
    need("docker-registry", "skopeo", "zstd", root=True)
    directory = tmp_path_factory.mktemp("hub")
    others = [Image(LAYERS[:1], architecture="s390x"), Image(LAYERS, architecture=ARCHITECTURE)]
    with scratch() as state, registry.serve(state) as running:
        skopeo = Skopeo(str(directory))
        layout = write_directory(str(directory / "layout"), oci_layout(STORY, mixed))
        skopeo.push(f"oci:{layout}:v1", f"docker://{running.host}/story:v1")
        zipped = write_directory(str(directory / "zipped"), oci_layout(STORY, gzipped))
        skopeo.copy(f"oci:{zipped}:v1", f"docker://{running.host}/story:docker", "--format", "v2s2")
        index = write_directory(str(directory / "index"), oci_index(others, gzipped))
        skopeo.copy(f"oci:{index}:v1", f"docker://{running.host}/story:all", "--all", "--preserve-digests")
        yield running


def digest_at(hub, tag: str) -> str:
    with scratch() as cache:
        raw = Skopeo(cache).manifest_bytes(f"docker://{hub.host}/story:{tag}")
    return digest(raw)


def pull(builder, address: str, out: Path, *argv: object) -> dict:
    """Pull into OUT, and return the one entry of its index."""
    done = builder("pull-image", address, *argv, "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [entry] = json.loads((out / "index.json").read_bytes())["manifests"]
    return entry


@pytest.mark.parametrize("tag", ("v1", "docker"))
def test_the_digest_stays(builder, hub, tmp_path, tag):
    entry = pull(builder, f"docker://{hub.host}/story:{tag}", tmp_path / "out")
    assert entry["digest"] == digest_at(hub, tag)
    assert entry["annotations"]["io.containerd.image.name"] == f"{hub.host}/story:{tag}"
    assert builder("verify-image", tmp_path / "out").returncode == 0
    layers = json.loads(builder("list-layers", "--json", tmp_path / "out").stdout)
    assert [layer["diffID"] for layer in layers] == STORY.diff_ids


def test_one_platform(builder, hub, tmp_path):
    pull(builder, f"docker://{hub.host}/story:all", tmp_path / "out", "--platform", "linux/s390x")
    layers = json.loads(builder("list-layers", "--json", tmp_path / "out").stdout)
    assert [layer["diffID"] for layer in layers] == STORY.diff_ids[:1]


def test_all_platforms(builder, hub, tmp_path):
    entry = pull(builder, f"docker://{hub.host}/story:all", tmp_path / "out", "--all-platforms")
    assert entry["digest"] == digest_at(hub, "all")
    for platform, number in (("linux/s390x", 1), (f"linux/{ARCHITECTURE}", 3)):
        done = builder("list-layers", "--json", tmp_path / "out", "--platform", platform)
        assert len(json.loads(done.stdout)) == number


def test_pulling_twice_gives_the_same_bytes(builder, hub, tmp_path):
    for name in ("one", "two"):
        pull(builder, f"docker://{hub.host}/story:v1", tmp_path / name)
    assert subprocess.run(["diff", "-r", tmp_path / "one", tmp_path / "two"]).returncode == 0


@pytest.mark.parametrize("faults", ([429, 503], ["hang up"] * 2, [("cut", 1), ("cut", 100)]))
def test_faults_that_pass_are_borne(builder, hub, tmp_path, faults):
    with disturbed(hub.host, Once(*faults)) as proxy:
        pull(builder, f"docker://{proxy.host}/story:v1", tmp_path / "out")
    assert builder("verify-image", tmp_path / "out").returncode == 0


LAYER = f"/blobs/{digest(gzipped(LAYERS[0])[1])}"


@pytest.mark.parametrize("blob, what", (("/blobs/", "bad config"), (LAYER, "bad blob")), ids=("config", "layer"))
def test_a_blob_with_another_digest_is_no_image(builder, hub, tmp_path, blob, what):
    with disturbed(hub.host, lambda _, path: ("zeros",) if blob in path else None) as proxy:
        done = builder("pull-image", f"docker://{proxy.host}/story:docker", "--out", tmp_path / "out")
    assert done.returncode == 1 and f"{what}: its digest is" in done.stderr and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


# Nix.


def expression(attributes: str) -> str:
    return f"fetchImage ({attributes} // {{ plainHttp = true; }})"


def prefetched(builder, hub, tag: str) -> str:
    done = builder("prefetch-image", f"docker://{hub.host}/story:{tag}")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("tag", ("v1", "all"))
def test_fetch_image_takes_what_prefetch_image_prints(nix, builder, hub, tag):
    image = nix.build(expression(prefetched(builder, hub, tag)))
    layers = json.loads(builder("list-layers", "--json", image).stdout)
    assert [layer["diffID"] for layer in layers] == STORY.diff_ids


def test_fetch_image_is_a_parent(nix, builder, hub):
    fetched = expression(prefetched(builder, hub, "v1"))
    image = nix.build(f'mkImage {{ name = "child"; fromImage = {fetched}; config.Cmd = [ "/a" ]; }}')
    layers = json.loads(builder("list-layers", "--json", image).stdout)
    assert [layer["diffID"] for layer in layers] == STORY.diff_ids


def test_prefetch_of_fetch_image_prints_its_arguments(nix, builder, hub):
    printed = prefetched(builder, hub, "v1")
    program = nix.build(f"({expression(printed)}).prefetch")
    done = subprocess.run([program / "bin/prefetch-image"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, printed)


def test_another_hash_is_an_error(nix, builder, hub):
    wrong = prefetched(builder, hub, "docker").replace("sha256-", "sha256-AAAA", 1)
    attributes = wrong[: wrong.index("AAAA")] + "A" * 43 + '=";\n}'
    assert "hash mismatch" in nix.failure(expression(attributes))


def test_json(builder, hub):
    done = builder("prefetch-image", f"docker://{hub.host}/story:v1", "--json")
    found = json.loads(done.stdout)
    assert list(found) == ["imageName", "imageTag", "imageDigest", "platform", "hash"]
    assert (found["imageName"], found["imageTag"]) == (f"{hub.host}/story", "v1")
    assert (found["imageDigest"], found["platform"]) == (digest_at(hub, "v1"), f"linux/{ARCHITECTURE}")
