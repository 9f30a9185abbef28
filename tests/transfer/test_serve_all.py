"""serve-image --all: images of several platforms and artifacts, as the layout has them."""

import json
import os
import urllib.parse
import urllib.request

import pytest

from engines.skopeo import Skopeo
from error_line import error_line
from file_trees import DIRECTORY, busybox, tar, write_directory, write_tar
from image_forms import ARCHITECTURE, Image, nixpkgs, oci_index, plain
from image_maker import ImageMaker
from layer_files import store_path
from serve_image import serving

OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"
TYPE = "application/vnd.example+json"
ENGINES = ("docker", "docker-containerd", "containerd", "podman", "buildah")


@pytest.fixture(scope="module")
def shelf(builder, need, tmp_path_factory) -> ImageMaker:
    need("busybox")
    return ImageMaker(builder, tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def index(shelf):
    """The index both:latest of two images, of which this machine can run one; one of their layers has no blob."""
    path = store_path(shelf.directory / "nix/store", "greeting", "good morning\n")
    recipe = shelf.build("recipe", "mk-layer", "--store-path", path, "--no-blob")
    config = shelf.directory / "config.json"
    config.write_text(json.dumps({"Cmd": ["/bin/cat", "/etc/arch"]}))
    images = []
    for name in (OTHER, ARCHITECTURE):
        layers = [
            shelf.layer("base", busybox()),
            shelf.layer(name, {"etc": DIRECTORY, "etc/arch": name.encode()}),
            recipe,
        ]
        argv = [word for layer in layers for word in ("--layer", layer)]
        argv += ["--name", "both", "--architecture", name, "--config", config]
        images += ["--image", shelf.build(f"{name}.image", "mk-image", *argv)]
    return shelf.build("index", "mk-index", "--name", "both", *images)


@pytest.fixture(scope="module")
def whole(shelf, index):
    """The same index with two artifacts that refer to it."""
    for number, type_ in enumerate((TYPE, "text/x-note")):
        note = shelf.directory / f"{number}.txt"
        note.write_text(f"note {number}\n")
        argv = ("--artifact-type", type_, "--file", f"text/plain={note}")
        index = shelf.build(f"with-{number}", "mk-artifact", index, *argv)
    return index


@pytest.fixture(scope="module")
def server(shelf, whole):
    with serving(shelf.directory, whole, "--all", NIX_STORE=str(shelf.directory / "nix/store")) as running:
        yield running


def entries(layout) -> list[dict]:
    return json.loads((layout / "index.json").read_bytes())["manifests"]


def test_the_tag_names_the_index(server, whole, shelf):
    assert server.names == [f"{server.host}/both:latest"]
    with urllib.request.urlopen(f"http://{server.host}/v2/both/manifests/latest") as answer:
        assert answer.headers["Docker-Content-Digest"] == entries(whole)[0]["digest"]
        assert answer.headers["Content-Type"] == "application/vnd.oci.image.index.v1+json"
    for name in (ARCHITECTURE, OTHER):
        assert shelf.run("verify-image", f"docker://{server.host}/both", "--platform", f"linux/{name}")


def test_an_index_is_pulled_whole(server, whole, shelf, tmp_path, need, scratch):
    shelf.run("pull-image", f"docker://{server.host}/both", "--all-platforms", "--out", tmp_path / "pulled")
    assert entries(tmp_path / "pulled")[0]["digest"] == entries(whole)[0]["digest"]
    need("skopeo")
    Skopeo(scratch).copy(f"docker://{server.host}/both", f"dir:{tmp_path / 'copy'}", "--all", "--preserve-digests")
    assert len([name for name in os.listdir(tmp_path / "copy") if name.endswith(".manifest.json")]) == 2


@pytest.mark.parametrize("name", ENGINES)
def test_engines_pull_their_platform(open_engine, server, name):
    engine = open_engine(name)
    assert engine.run(engine.pull(f"{server.host}/both:latest")).out == ARCHITECTURE


@pytest.mark.parametrize("query, count", (("", 2), (TYPE, 1), ("text/none", 0)))
def test_end_12_listing_referrers(server, whole, query, count):
    _, *artifacts = entries(whole)
    subject = json.loads((whole / "blobs" / artifacts[0]["digest"].replace(":", "/")).read_bytes())["subject"]
    suffix = f"?{urllib.parse.urlencode({'artifactType': query})}" if query else ""
    with urllib.request.urlopen(f"http://{server.host}/v2/both/referrers/{subject['digest']}{suffix}") as answer:
        assert answer.headers["OCI-Filters-Applied"] == ("artifactType" if query else None)
        found = json.loads(answer.read())["manifests"]
    assert len(found) == count
    chosen = [entry for entry in artifacts if not query or entry["artifactType"] == query]
    assert [(entry["digest"], entry["size"], entry["artifactType"]) for entry in found] == [
        (entry["digest"], entry["size"], entry["artifactType"]) for entry in chosen
    ]
    for entry in found:
        with urllib.request.urlopen(f"http://{server.host}/v2/both/manifests/{entry['digest']}") as answer:
            assert json.loads(answer.read())["subject"] == subject


def test_a_layout_without_names(builder, tmp_path):
    story = [Image((tar({"a": b"1"}),), architecture=name, tag=None) for name in (ARCHITECTURE, OTHER)]
    layout = write_directory(str(tmp_path / "layout"), oci_index(story, plain))
    with serving(tmp_path, layout, "--all") as server:
        done = builder("list-layers", "--json", f"docker://{server.names[0]}", "--platform", f"linux/{OTHER}")
        assert [layer["diffID"] for layer in json.loads(done.stdout)] == story[1].diff_ids


def test_refuses(builder, index, tmp_path):
    why = "cannot serve all: --all serves everything unchanged; leave out --platform and --from"
    for option in (("--platform", "linux/amd64"), ("--from", f"file://{tmp_path}")):
        done = builder("serve-image", index, "--all", *option, timeout=20)
        assert error_line(done, "serve-image", 2) == why
    archive = write_tar(str(tmp_path / "old.tar"), nixpkgs(Image((b"\0" * 1024,))))
    done = builder("serve-image", archive, "--all", timeout=20)
    assert error_line(done, "serve-image").startswith("bad image: expected an OCI layout")
