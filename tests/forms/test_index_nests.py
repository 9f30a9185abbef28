"""Indexes that point to indexes: each is read once, with all its names, down to a depth."""

import collections

import pytest

from file_trees import tar, write_tar
from image_forms import Image, digest, encode, oci_image, plain
from laminix.errors import LaminixError
from laminix.forms import blobs, image_in
from laminix.forms.members import ArchiveMembers

INDEX = "application/vnd.oci.image.index.v1+json"
TAG = "org.opencontainers.image.ref.name"
IMAGE = Image((tar({"a": b"1"}),), {})
OTHER = Image((tar({"b": b"2"}),), {})


class Reads(ArchiveMembers):
    """An archive that counts how often each member is read."""

    def __init__(self, file, place):
        super().__init__(file, place)
        self.counted = collections.Counter()

    def read(self, name):
        self.counted[name] += 1
        assert self.counted[name] < 100, f"{name} is read again and again"
        return super().read(name)


class Layout:
    """The members of a layout, to which indexes are added from the images up."""

    def __init__(self, *images):
        self.members = {}
        self.images = []
        for image in images:
            descriptor, more = oci_image(image, plain)
            self.members |= more
            self.images.append(descriptor)

    def index(self, *descriptors):
        """The descriptor of an index of DESCRIPTORS."""
        data = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors})
        self.members[f"blobs/sha256/{digest(data)[7:]}"] = data
        return {"mediaType": INDEX, "digest": digest(data), "size": len(data)}

    def nest(self, levels, width=1):
        """As many levels of indexes above the images, each with WIDTH entries for the one below it."""
        below = self.images
        for level in range(levels):
            annotations = {"annotations": {"level": str(level)}}  # they differ
            below = [self.index(*({**descriptor, **annotations} for descriptor in below))] * width
        return below

    def write(self, path, *descriptors):
        self.members["index.json"] = encode({"schemaVersion": 2, "manifests": descriptors})
        self.members["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}\n'
        return write_tar(str(path), self.members)


@pytest.fixture
def opened(tmp_path):
    """``opened(layout, descriptors, …)``: the image, and how often each member was read."""

    def open_it(layout, descriptors, *how):
        with open(layout.write(tmp_path / "archive", *descriptors), "rb") as file:
            members = Reads(file, "archive")
            return image_in(members, *how), members.counted

    return open_it


def tagged(descriptor, tag):
    return {**descriptor, "annotations": {TAG: tag}}


def tags(image):
    return sorted(reference.tag for reference in image.references)


def test_a_nest_of_indexes_is_read_once(opened):
    """Every level points to the next one 50 times: there are 50 ** 7 ways to the image."""
    layout = Layout(IMAGE)
    image, counted = opened(layout, layout.nest(7, width=50))
    assert image.config_bytes == IMAGE.config()
    assert len(counted) >= 9 and max(counted.values()) <= 2  # index.json is looked at, and read


def test_the_deepest_nest(opened):
    layout = Layout(IMAGE)
    image, _ = opened(layout, layout.nest(blobs.MAX_INDEX_DEPTH))
    assert image.config_bytes == IMAGE.config()


@pytest.mark.parametrize("levels", [blobs.MAX_INDEX_DEPTH + 1, 1000])
def test_a_nest_that_is_too_deep(opened, levels):
    layout = Layout(IMAGE)
    with pytest.raises(LaminixError) as caught:
        opened(layout, layout.nest(levels))
    assert (
        str(caught.value)
        == f"bad index: indexes are nested too deeply (limit {blobs.MAX_INDEX_DEPTH} levels) (archive)"
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_a_nest_that_is_too_deep_by_one_of_its_ways(opened, backwards):
    layout = Layout(IMAGE)
    [low] = layout.nest(3)
    high = low
    for level in range(blobs.MAX_INDEX_DEPTH - 2):
        high = layout.index({**high, "annotations": {"high": str(level)}})
    ways = [low, high][:: -1 if backwards else 1]
    with pytest.raises(LaminixError, match="indexes are nested too deeply"):
        opened(layout, ways)


def test_an_index_with_several_names(opened):
    layout = Layout(IMAGE)
    inner = layout.index(*layout.images)
    names = [tagged(inner, "one"), tagged(inner, "two"), tagged(layout.index(inner), "three")]
    image, _ = opened(layout, names, ":three")
    assert tags(image) == ["one", "three", "two"]


def test_names_on_the_way_hide_those_above(opened):
    layout = Layout(IMAGE, OTHER)
    outer = layout.index(tagged(layout.images[0], "own"), layout.images[1])
    assert tags(opened(layout, [tagged(outer, "above")], ":own")[0]) == ["own"]
    assert tags(opened(layout, [tagged(outer, "above")], ":above")[0]) == ["above"]


def test_names_come_from_every_way(opened):
    """The index below is met first where it has no name, and gets one from an entry that comes later."""
    layout = Layout(IMAGE)
    inner = layout.index(*layout.images)
    ways = [layout.index(inner), tagged(layout.index({**inner, "annotations": {}}), "late")]
    assert tags(opened(layout, ways, ":late")[0]) == ["late"]


def test_many_names(opened):
    layout = Layout(IMAGE)
    image, _ = opened(layout, [tagged(layout.images[0], f"v{number}") for number in range(5000)], ":v7")
    assert len(image.references) == 5000


def test_too_many_names(opened, monkeypatch):
    monkeypatch.setattr(blobs, "MAX_NAMES", 20)
    layout = Layout(IMAGE, OTHER)
    inner = layout.index(*layout.images)
    with pytest.raises(LaminixError, match="bad index: too many names of images in total"):
        opened(layout, [tagged(inner, f"v{number}") for number in range(10)], ":v7")


def test_an_entry_with_another_size_for_a_known_index(opened):
    layout = Layout(IMAGE)
    inner = layout.index(*layout.images)
    with pytest.raises(LaminixError, match=f"it has {inner['size']} bytes, its descriptor says 7"):
        opened(layout, [inner, {**inner, "size": 7}])
