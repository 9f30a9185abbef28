"""builders/merge-images: several images in one docker archive."""

import gzip
import io
import json
import tarfile

import pytest

from file_trees import DIRECTORY
from image_maker import ImageMaker


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    return ImageMaker(builder, tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def images(maker):
    """Two images on one base, and a third of another form."""
    base = maker.layer("base", {"etc": DIRECTORY, "etc/base": b"base\n"})
    one = maker.image("one", {"Cmd": ["one"]}, base, maker.layer("one", {"one": b"1"}))
    two = maker.image("two", {"Cmd": ["two"]}, base, maker.layer("two", {"two": b"2"}))
    three = maker.packed(maker.image("three", {}, maker.layer("three", {"three": b"3"})), "docker-legacy-archive")
    return one, two, three


def merged(builder, *images) -> dict[str, bytes]:
    """The members of the archive; each may be there only once."""
    done = builder("merge-images", *images, "--out", "-", text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        names = tar.getnames()
        assert len(names) == len(set(names))
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}


def test_all_images_are_listed_with_their_names(builder, images):
    members = merged(builder, *images)
    listed = json.loads(members["manifest.json"])
    assert [entry["RepoTags"] for entry in listed] == [["one:latest"], ["two:latest"], ["three:latest"]]
    assert sorted(json.loads(members["repositories"])) == ["one", "three", "two"]
    assert len(json.loads(members["index.json"])["manifests"]) == 3
    for entry in listed:
        assert all(layer in members for layer in entry["Layers"])


def test_a_shared_layer_is_written_once(builder, images):
    one, two, _ = images
    listed = json.loads(merged(builder, one, two)["manifest.json"])
    assert listed[0]["Layers"][0] == listed[1]["Layers"][0]


def test_each_image_can_be_selected_and_is_as_it_was(builder, maker, images, tmp_path):
    out = tmp_path / "all.tar"
    assert builder("merge-images", *images, "--out", out).returncode == 0
    for name, image in zip(("one", "two", "three"), images):
        assert maker.diff_ids(out, "--image", name) == maker.diff_ids(image)
    assert builder("verify-image", out, "--image", "two").returncode == 0


def test_one_image_gives_what_pack_image_writes(builder, maker, images, tmp_path):
    out = tmp_path / "one.tar"
    assert builder("merge-images", images[0], "--out", out).returncode == 0
    assert out.read_bytes() == maker.packed(images[0], "docker-archive").read_bytes()


def test_compressed_archives_and_archives_of_several_images(builder, images, tmp_path):
    one, two, three = images
    assert builder("merge-images", one, two, "--out", tmp_path / "pair.tar").returncode == 0
    compressed = tmp_path / "pair.tar.gz"
    compressed.write_bytes(gzip.compress((tmp_path / "pair.tar").read_bytes()))
    assert merged(builder, compressed, three, one) == merged(builder, one, two, three)


def test_two_images_of_one_name_are_refused(builder, maker, images, tmp_path):
    other = ImageMaker(builder, tmp_path)
    namesake = other.image("one", {"Cmd": ["another"]}, other.layer("other", {"other": b""}))
    done = builder("merge-images", images[0], namesake, "--out", tmp_path / "out.tar")
    why = "two different images are called docker.io/library/one:latest; build one of them with another tag"
    assert (done.returncode, done.stderr) == (1, f"merge-images: error: cannot merge images: {why}\n")
    assert not (tmp_path / "out.tar").exists()


def test_no_image_is_refused(builder, tmp_path):
    done = builder("merge-images", "--out", tmp_path / "out.tar")
    assert (done.returncode, done.stderr) == (
        2,
        "merge-images: error: bad usage: expected at least one IMAGE (see merge-images --help)\n",
    )
