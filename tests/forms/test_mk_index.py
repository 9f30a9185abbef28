"""mk-index: one image for several platforms, read again, packed whole, merged upon."""

import json

import pytest

from error_line import error_line
from file_trees import write_tar
from image_forms import ARCHITECTURE, Image, docker_oci, gzipped, nixpkgs, oci_layout
from image_maker import ImageMaker
from layer_files import store_path

OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"


@pytest.fixture
def maker(builder, tmp_path):
    """The images of one test."""
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def platforms(maker):
    """Image directories for this machine's architecture and another, on one layer."""
    layer = maker.layer("base", {"etc/x": b"x"})
    argv = ("--name", "x", "--layer", layer)
    return [maker.build(f"{name}.image", "mk-image", *argv, "--architecture", name) for name in (ARCHITECTURE, OTHER)]


def indexed(maker, images, *options):
    words = [word for image in images for word in ("--image", image)]
    return maker.build("index", "mk-index", "--name", "example.org/x", *words, *options)


def document(layout, descriptor):
    """The JSON document that DESCRIPTOR points to."""
    return json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())


def test_the_index(maker, platforms):
    layout = indexed(maker, platforms, "--tag", "1", "--tag", "2", "--annotation", "key=value")
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    assert len({entry["digest"] for entry in entries}) == 1
    assert [entry["annotations"]["io.containerd.image.name"] for entry in entries] == [
        "example.org/x:1",
        "example.org/x:2",
    ]
    found = document(layout, entries[0])
    assert found["mediaType"] == entries[0]["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert found["annotations"] == {"key": "value"}
    assert [entry["platform"] for entry in found["manifests"]] == [
        {"architecture": ARCHITECTURE, "os": "linux"},
        {"architecture": OTHER, "os": "linux"},
    ]
    own = [json.loads((image / "index.json").read_bytes())["manifests"][0]["digest"] for image in platforms]
    assert [entry["digest"] for entry in found["manifests"]] == own


def test_a_platform_is_chosen_from_it(maker, platforms):
    layout = indexed(maker, platforms)
    assert maker.diff_ids(layout) == maker.diff_ids(layout, "--platform", f"linux/{OTHER}")
    assert maker.run("verify-image", layout, "--platform", f"linux/{OTHER}").startswith("example.org/x:latest: ")
    child = maker.image("child", {}, maker.layer("more", {"y": b"y"}))
    argv = ("--parent", layout, "--platform", f"linux/{ARCHITECTURE}", "--image", child)
    assert len(maker.layers(maker.build("merged", "merge-parent", *argv))) == 2


@pytest.mark.parametrize("form", [docker_oci, nixpkgs, lambda image: oci_layout(image, gzipped)])
def test_images_in_any_form(maker, platforms, tmp_path, form):
    archive = write_tar(str(tmp_path / "other.tar"), form(Image((b"\0" * 1024,), architecture="s390x")))
    layout = indexed(maker, [platforms[0], archive])
    assert len(maker.layers(layout, "--platform", "linux/s390x")) == 1
    maker.run("verify-image", layout, "--platform", "linux/s390x")


@pytest.mark.parametrize("format_", ["oci", "oci-archive"])
def test_packed_whole(maker, platforms, format_):
    layout = indexed(maker, platforms)
    packed = maker.build(f"packed.{format_}", "pack-image", layout, "--all", "--format", format_)
    for name in (ARCHITECTURE, OTHER):
        maker.run("verify-image", packed, "--platform", f"linux/{name}")
    again = maker.build("again", "pack-image", packed, "--all", "--format", "oci-archive")
    if format_ == "oci-archive":
        assert again.read_bytes() == packed.read_bytes()


def test_packed_whole_from_recipes(maker, builder, tmp_path, monkeypatch):
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    layer = maker.build("l", "mk-layer", "--store-path", store_path(tmp_path / "nix/store", "lib-1"), "--no-blob")
    image = maker.image("of-recipe", {}, layer)
    layout = indexed(maker, [image])
    packed = maker.build("packed", "pack-image", layout, "--all", "--format", "oci-archive")
    maker.run("verify-image", packed)


def test_a_damaged_blob_is_not_packed(maker, builder, platforms, tmp_path):
    layout = indexed(maker, platforms)
    (blob_,) = [path for path in (layout / "blobs/sha256").iterdir() if path.stat().st_size > 1000]
    blob_.chmod(0o644)
    data = bytearray(blob_.read_bytes())
    data[600] ^= 1
    blob_.write_bytes(data)
    done = builder("pack-image", layout, "--all", "--format", "oci", "--out", tmp_path / "out")
    assert "bad layer: its digest is " in error_line(done, "pack-image") and not (tmp_path / "out").exists()


@pytest.fixture
def statements(tmp_path):
    """A file with three attestations: two about the image for this machine, one about the other."""
    listed = []
    for number, (platform, kind) in enumerate([(ARCHITECTURE, "a:x"), (OTHER, "a:x"), (ARCHITECTURE, "b:y")]):
        predicate = tmp_path / f"{number}.json"
        predicate.write_text(json.dumps({"number": number}))
        listed.append({"platform": f"linux/{platform}", "predicateType": kind, "predicate": str(predicate)})
    (tmp_path / "attestations.json").write_text(json.dumps(listed))
    return tmp_path / "attestations.json"


def test_attestations(maker, platforms, statements):
    layout = indexed(maker, platforms, "--attestations", statements, "--tag", "1", "--tag", "2")
    top, _ = json.loads((layout / "index.json").read_bytes())["manifests"]
    first, second, *entries = document(layout, top)["manifests"]
    assert [entry["platform"] for entry in entries] == [{"architecture": "unknown", "os": "unknown"}] * 2
    assert [entry["annotations"] for entry in entries] == [
        {"vnd.docker.reference.digest": image["digest"], "vnd.docker.reference.type": "attestation-manifest"}
        for image in (first, second)
    ]
    manifest = document(layout, entries[0])
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.in-toto+json"}
    kinds = [layer["annotations"]["in-toto.io/predicate-type"] for layer in manifest["layers"]]
    assert kinds == ["a:x", "b:y"]
    config = document(layout, manifest["config"])
    assert (config["os"], config["architecture"]) == ("unknown", "unknown")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [layer["digest"] for layer in manifest["layers"]]}
    statement = document(layout, manifest["layers"][1])
    assert (statement["_type"], statement["predicateType"]) == ("https://in-toto.io/Statement/v0.1", "b:y")
    assert statement["predicate"] == {"number": 2}
    assert [subject["digest"]["sha256"] for subject in statement["subject"]] == [first["digest"][7:]] * 2
    assert statement["subject"][1]["name"] == f"pkg:docker/example.org/x@2?platform=linux%2F{ARCHITECTURE}"


def test_attestations_are_passed_over_and_packed(maker, platforms, statements):
    layout = indexed(maker, platforms, "--attestations", statements)
    packed = maker.build("packed.tar", "pack-image", layout, "--all", "--format", "oci-archive")
    again = maker.build("again", "pack-image", packed, "--all", "--format", "oci")
    blobs = [{path.name: path.read_bytes() for path in (each / "blobs/sha256").iterdir()} for each in (layout, again)]
    assert blobs[0] == blobs[1]
    for place in (layout, packed, again):
        for name in (ARCHITECTURE, OTHER):
            maker.run("verify-image", place, "--platform", f"linux/{name}")
        assert len(maker.layers(place)) == 1
    child = maker.image("child", {}, maker.layer("more", {"y": b"y"}))
    assert len(maker.layers(maker.build("merged", "merge-parent", "--parent", layout, "--image", child))) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"platform": "linux/s390x"}, f"bad attestation: no image for linux/s390x; found linux/{ARCHITECTURE}, "),
        ({"predicat": "x"}, "bad JSON file: [0]: unknown key 'predicat', expected one of platform, "),
        ({"predicate": __file__}, "bad predicate: not JSON: "),
    ],
)
def test_faulty_attestations(maker, platforms, statements, change, complaint):
    first, *others = json.loads(statements.read_bytes())
    statements.write_text(json.dumps([first | change, *others]))
    argv = [word for image in platforms for word in ("--image", image)]
    assert maker.refused("mk-index", "--name", "x", *argv, "--attestations", statements).startswith(complaint)


def test_two_images_for_one_platform(builder, platforms, tmp_path):
    argv = ("--name", "x", "--image", platforms[0], "--image", platforms[0], "--out", tmp_path / "out")
    line = error_line(builder("mk-index", *argv), "mk-index")
    assert line.startswith(f"bad platform: two images for linux/{ARCHITECTURE}; the other is ")


def test_what_cannot_be_packed_whole(builder, maker, platforms, tmp_path):
    layout = indexed(maker, platforms)

    def refused(image, *argv, status=2):
        done = builder("pack-image", image, "--all", *argv, "--out", tmp_path / "out")
        return error_line(done, "pack-image", status)

    assert refused(layout, "--format", "docker-archive") == (
        "cannot pack all: docker-archive cannot contain several platforms or artifacts; use oci or oci-archive"
    )
    assert refused(layout, "--format", "oci", "--tag", "a:b").startswith("cannot pack all: --all writes everything")
    archive = write_tar(str(tmp_path / "old.tar"), nixpkgs(Image((b"\0" * 1024,))))
    assert refused(archive, "--format", "oci", status=1).startswith("bad image: expected an OCI layout: ")
