"""mk-artifact: files that refer to an image, beside it in its layout."""

import json

import pytest

from error_line import error_line
from file_trees import write_tar
from image_forms import Image, nixpkgs
from image_maker import ImageMaker

TYPE = "application/vnd.example+json"


@pytest.fixture
def maker(builder, tmp_path):
    """The images of one test."""
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def image(maker):
    """An image directory."""
    return maker.image("x", {}, maker.layer("base", {"etc/x": b"x"}))


@pytest.fixture
def note(tmp_path):
    """A file to attach, with the name of a store path."""
    path = tmp_path / f"{'0' * 32}-note.json"
    path.write_text('{"note": 1}\n')
    return path


def entries(layout) -> list[dict]:
    return json.loads((layout / "index.json").read_bytes())["manifests"]


def document(layout, descriptor):
    """The JSON document that DESCRIPTOR points to."""
    return json.loads((layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())


def attach(maker, image, note, name="attached", *options):
    argv = ("--artifact-type", TYPE, "--file", f"application/json={note}", *options)
    return maker.build(name, "mk-artifact", image, *argv)


def test_the_manifest(maker, image, note):
    layout = attach(maker, image, note, "attached", "--annotation", "b=2", "--annotation", "a=1")
    (own,) = entries(image)
    kept, attached = entries(layout)
    assert kept == own
    assert (attached["artifactType"], attached["annotations"]) == (TYPE, {"a": "1", "b": "2"})
    manifest = document(layout, attached)
    assert manifest["artifactType"] == TYPE and manifest["annotations"] == {"a": "1", "b": "2"}
    assert manifest["subject"] == {key: own[key] for key in ("mediaType", "digest", "size")}
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert document(layout, manifest["config"]) == {}
    (layer,) = manifest["layers"]
    assert (layer["mediaType"], layer["annotations"]) == (
        "application/json",
        {"org.opencontainers.image.title": "note.json"},
    )
    assert document(layout, layer) == {"note": 1}


def test_the_image_is_still_read(maker, image, note):
    layout = attach(maker, image, note)
    assert maker.layers(layout)[0]["digest"] == maker.layers(image)[0]["digest"]
    maker.run("verify-image", layout)


def test_a_second_artifact_keeps_the_first(maker, image, note):
    layout = attach(maker, attach(maker, image, note), note, "twice", "--annotation", "n=2")
    assert [entry.get("artifactType") for entry in entries(layout)] == [None, TYPE, TYPE]
    assert len({document(layout, entry)["subject"]["digest"] for entry in entries(layout)[1:]}) == 1


def test_an_image_that_is_no_layout(maker, note, tmp_path):
    archive = write_tar(str(tmp_path / "old.tar"), nixpkgs(Image((b"\0" * 1024,), name="old")))
    layout = attach(maker, archive, note)
    kept, attached = entries(layout)
    assert document(layout, attached)["subject"]["digest"] == kept["digest"]
    maker.run("verify-image", layout)


def test_one_platform_of_an_index(maker, image, note):
    other = maker.build(
        "other", "mk-image", "--name", "x", "--layer", maker.directory / "base.layer", "--architecture", "s390x"
    )
    index = maker.build("index", "mk-index", "--name", "x", "--image", image, "--image", other)
    layout = attach(maker, index, note, "attached", "--platform", "linux/s390x")
    subject = document(layout, entries(layout)[1])["subject"]
    assert subject["digest"] == entries(other)[0]["digest"]


def index_of(maker, image, *names):
    """An index of IMAGE, called NAMES, in a layout."""
    tags = [word for name in names for word in ("--tag", name)]
    return maker.build(f"index-{'-'.join(names)}", "mk-index", "--name", "x", *tags, "--image", image)


@pytest.mark.parametrize("choice", [(), ("--image", "x:1"), ("--image", "x")])
def test_an_index_as_the_subject(maker, image, note, choice):
    index = index_of(maker, image, "1", "2")
    layout = attach(maker, index, note, "attached", "--index", *choice)
    own = entries(index)[0]
    assert entries(layout)[:-1] == entries(index)
    subject = document(layout, entries(layout)[-1])["subject"]
    assert subject == {key: own[key] for key in ("mediaType", "digest", "size")}
    assert subject["mediaType"] == "application/vnd.oci.image.index.v1+json"
    maker.run("verify-image", layout)


def test_one_of_several_indexes(maker, image, note):
    first, second = index_of(maker, image, "1"), index_of(maker, image, "2", "3")
    other = maker.build("y", "mk-index", "--name", "y", "--annotation", "a=b", "--image", image)
    for blob in (other / "blobs/sha256").iterdir():
        target = first / "blobs/sha256" / blob.name
        target.exists() or target.write_bytes(blob.read_bytes())
    manifests = entries(first) + entries(second) + entries(other)
    (first / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    argv = ("--index", "--artifact-type", TYPE, "--file", f"a/b={note}")
    line = maker.refused("mk-artifact", first, *argv)
    assert line.startswith("cannot select an image: found 2 indexes, expected one; choose it with --image")
    layout = attach(maker, first, note, "attached", "--index", "--image", "y")
    assert document(layout, entries(layout)[-1])["subject"]["digest"] == entries(other)[0]["digest"]


def test_no_index(maker, image, note):
    argv = ("--index", "--artifact-type", TYPE, "--file", f"a/b={note}")
    assert maker.refused("mk-artifact", image, *argv).startswith("cannot select an image: found 0 indexes")
    line = maker.refused("mk-artifact", image, *argv, "--platform", "linux/amd64", status=2)
    assert line == "bad subject: --index stands for all platforms; leave out --platform"


@pytest.mark.parametrize("format_", ["oci", "oci-archive"])
def test_packed_with_its_artifacts(maker, image, note, format_):
    layout = attach(maker, image, note)
    packed = maker.build("packed", "pack-image", layout, "--all", "--format", format_)
    again = maker.build("again", "pack-image", packed, "--all", "--format", "oci")
    assert entries(again) == entries(layout)
    assert document(again, document(again, entries(again)[1])["layers"][0]) == {"note": 1}


def test_a_changed_artifact_is_not_packed(maker, builder, image, note, tmp_path):
    layout = attach(maker, image, note)
    digest = document(layout, entries(layout)[1])["layers"][0]["digest"]
    path = layout / "blobs" / digest.replace(":", "/")
    path.chmod(0o644)
    path.write_text('{"note": 2}\n')
    done = builder("pack-image", layout, "--all", "--format", "oci", "--out", tmp_path / "out")
    assert "its digest is " in error_line(done, "pack-image")


@pytest.mark.parametrize(
    ("argv", "complaint", "status"),
    [
        (["--artifact-type", "x", "--file", "a/b=c"], "bad artifact type: found 'x', ", 2),
        (["--artifact-type", "a/b", "--file", "c"], "bad artifact file: found 'c', expected MEDIATYPE=PATH", 2),
        (["--artifact-type", "a/b", "--file", "a b=c"], "bad artifact file: found 'a b=c', ", 2),
        (
            ["--artifact-type", "a/b", "--file", "a/b=/"],
            "cannot read: found a directory, expected a regular file (/)",
            1,
        ),
    ],
)
def test_refused(builder, image, tmp_path, argv, complaint, status):
    done = builder("mk-artifact", image, *argv, "--out", tmp_path / "out")
    assert error_line(done, "mk-artifact", status).startswith(complaint) and not (tmp_path / "out").exists()
