"""verify-image: sound images pass, whatever their form, and no changed one does."""

import gzip
import io
import json
import random
import shutil
import tarfile

import pytest

import every_parent
import file_trees
import image_files
import image_forms
from file_trees import DIRECTORY, HardLink, Link
from image_maker import ImageMaker
from laminix.errors import LaminixError
from laminix.verify.image import verify

IMAGE = image_forms.Image(
    layers=(
        file_trees.tar({"etc": DIRECTORY, "etc/passwd": b"root", "etc/same": HardLink("etc/passwd")}),
        file_trees.tar({".wh.gone": b"", "bin": Link("usr/bin")}),
    ),
    runtime={"Env": ["A=1"]},
)


@pytest.fixture(scope="module")
def made(builder, tmp_path_factory):
    """An image of ours with two layers, one of them compressed, in every form that pack-image writes."""
    maker = ImageMaker(builder, tmp_path_factory.mktemp("made"))
    layers = [
        maker.layer("plain", {"bin/hello": b"hello" * 100, "etc/conf": b"1"}, "--remove", "/etc/old"),
        maker.layer("small", {"opt/data": b"data" * 1000}, "--compressor", "gzip"),
    ]
    image = maker.image("made", {"Env": ["A=1"], "Cmd": ["/bin/hello"]}, *layers)
    packed = {form: maker.packed(image, form) for form in PACKED}
    return {"image": image, **packed}


PACKED = ("docker-archive", "docker-legacy-archive", "dir", "oci")


@pytest.fixture
def said(builder):
    """``said(path, …)``: the lines of verify-image about an image with something wrong."""

    def run(*argv):
        done = builder("verify-image", *argv)
        assert (done.returncode, done.stdout) == (1, "")
        lines = done.stderr.splitlines()
        assert all(line.startswith("verify-image: error: ") for line in lines)
        return [line.removeprefix("verify-image: error: ") for line in lines]

    return run


def wrong(path, *choice, strict=False):
    """What is wrong with the image at PATH, in the same process."""
    return [str(problem) for problem in verify(str(path), *choice, strict=strict)[1]]


def written(tmp_path, content, name="image.tar"):
    return file_trees.write_tar(tmp_path / name, content)


def layout(tmp_path, image=IMAGE, compression=image_forms.plain):
    return written(tmp_path, image_forms.oci_layout(image, compression))


def one_layer(tmp_path, *parts):
    """A layout with a single layer that has the members of PARTS (a name may be in several)."""
    data = b"".join(without_end(file_trees.tar(part)) for part in parts)
    return layout(tmp_path, image_forms.Image(layers=(data + bytes(1024),)))


def without_end(tar):
    """TAR up to the zeros that end it."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        archive.getmembers()
        return tar[: archive.offset]


# Sound images.


@pytest.mark.parametrize("form", ["image", *PACKED])
def test_what_we_make_is_sound(builder, made, form):
    done = builder("verify-image", made[form])
    assert (done.returncode, done.stderr) == (0, "")
    assert "valid (2 layers, " in done.stdout
    assert wrong(made[form], strict=True) == []


@pytest.mark.parametrize("name", [*every_parent.TARS, *every_parent.DIRECTORIES, *every_parent.PACKERS])
def test_what_others_make_is_sound(need, tmp_path, name):
    need(*every_parent.needs(name))
    parent = every_parent.make(name, tmp_path)
    assert wrong(parent.path, parent.choice) == []


def test_reads_an_archive_from_standard_input(builder, made):
    data = made["docker-archive"].read_bytes()
    done = builder("verify-image", "-", input=data, text=False)
    assert (done.returncode, done.stderr) == (0, b"")


# Changed ones.


def copied(image, tmp_path):
    """A copy of a directory whose links have become files."""
    return shutil.copytree(image, tmp_path / "copy", symlinks=False)


def blobs(directory):
    return sorted(path for path in (directory / "blobs/sha256").iterdir())


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_in_a_blob_never_passes(made, tmp_path, seed):
    chance = random.Random(seed)
    image = copied(made[chance.choice(["image", "oci"])], tmp_path)
    blob = chance.choice(blobs(image))
    flip(blob, chance)
    assert any(blob.name in line for line in wrong(image)), blob


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_in_dir_never_passes(made, tmp_path, seed):
    chance = random.Random(seed)
    image = copied(made["dir"], tmp_path)
    flip(chance.choice(sorted(path for path in image.iterdir() if len(path.name) == 64)), chance)
    assert wrong(image)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("form", ["docker-archive", "docker-legacy-archive"])
def test_a_flipped_bit_in_an_archive_never_passes(made, tmp_path, form, seed):
    """In a header, a config, a layer's directory or a layer; not in the zeros between."""
    chance = random.Random(seed)
    data = bytearray(made[form].read_bytes())
    with tarfile.open(made[form]) as archive:
        member = chance.choice([each for each in archive if not _is_list(each.name)])
    header = range(member.offset, member.offset + 148)  # up to the checksum, which can be written in two ways
    content = range(member.offset_data, member.offset_data + member.size)
    position = chance.choice(chance.choice([header, content] if content else [header]))
    data[position] ^= 1 << chance.randrange(8)
    path = tmp_path / "changed.tar"
    path.write_bytes(data)
    assert _wrong_or_unreadable(path), (member.name, position)


def _is_list(name):
    """Documents in which nobody promises every byte: what a layer's json says besides its links, names."""
    return name in ("index.json", "manifest.json", "repositories", "oci-layout") or name.endswith("/json")


def _wrong_or_unreadable(path):
    try:
        return wrong(path)
    except LaminixError as error:
        return [str(error)]


def flip(path, chance):
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.unlink()
    path.write_bytes(data)


def test_tells_all_that_is_wrong(said, made, tmp_path):
    image = copied(made["image"], tmp_path)
    for blob in blobs(image):
        blob.write_bytes(blob.read_bytes()[:-1] + b"\x01")
    lines = said(image)
    for blob in blobs(image):
        assert any(blob.name in line for line in lines), blob


@pytest.mark.parametrize("change", ["truncate", "extend", "remove"])
def test_tells_blobs_of_another_size(made, tmp_path, change):
    for number in range(4):
        image = copied(made["image"], tmp_path / str(number))
        blob = blobs(image)[number]
        data = blob.read_bytes()
        blob.unlink()
        if change != "remove":
            blob.write_bytes(data[:-1] if change == "truncate" else data + b"\0")
        assert any(blob.name in line for line in wrong(image)), blob


def changed(image, tmp_path, *, config=None, manifest=None):
    """A copy of the image directory, with its config or manifest changed, and digests that fit again."""
    image = copied(image, tmp_path)
    index = image_files.index(image)
    document = json.loads(image_files.blob_path(image, index["manifests"][0]["digest"]).read_bytes())
    if config:
        settings = json.loads(image_files.blob_path(image, document["config"]["digest"]).read_bytes())
        config(settings)
        document["config"] |= _put(image, settings)
    if manifest:
        manifest(document)
    for entry in index["manifests"]:
        entry |= _put(image, document)
    (image / "index.json").write_text(json.dumps(index))
    return image


def _put(image, document):
    data = json.dumps(document).encode()
    image_files.blob_path(image, image_forms.digest(data)).write_bytes(data)
    return {"digest": image_forms.digest(data), "size": len(data)}


NO_DIGEST = f"sha256:{'0' * 64}"
ZSTD = f"{image_forms.OCI}.layer.v1.tar+zstd"

CONFIG_CHANGES = {
    "diff IDs swapped": (lambda c: c["rootfs"]["diff_ids"].reverse(), "its diff ID is sha256:"),
    "a diff ID gone": (lambda c: c["rootfs"]["diff_ids"].pop(), "config and manifest disagree: 1 diff IDs, 2 layers"),
    "a diff ID more": (
        lambda c: c["rootfs"]["diff_ids"].append(NO_DIGEST),
        "config and manifest disagree: 3 diff IDs, 2 layers",
    ),
    "history gone": (lambda c: c["history"].pop(), "history: found 1 entries for layers, expected 2"),
    "history more": (lambda c: c["history"].append({}), "history: found 3 entries for layers, expected 2"),
    "another rootfs": (lambda c: c["rootfs"].update(type="tree"), "rootfs.type: found 'tree'"),
    "no architecture": (lambda c: c.pop("architecture"), "architecture: missing"),
    "no system": (lambda c: c.update(os=""), "os: missing or empty"),
    "a bad time": (lambda c: c.update(created="yesterday"), "created: found 'yesterday'"),
    "a bad time in history": (lambda c: c["history"][1].update(created="1"), "history[1].created: "),
    "Env no list": (lambda c: c["config"].update(Env="A=1"), "config.Env: found a string"),
}


@pytest.mark.parametrize("change", CONFIG_CHANGES)
def test_tells_what_is_wrong_with_the_config(made, tmp_path, change):
    apply, message = CONFIG_CHANGES[change]
    assert any(message in line for line in wrong(changed(made["image"], tmp_path, config=apply)))


MANIFEST_CHANGES = {
    "layers swapped": (lambda m: m["layers"].reverse(), "its diff ID is sha256:"),
    "a layer gone": (lambda m: m["layers"].pop(), "config and manifest disagree: 2 diff IDs, 1 layers"),
    "a layer twice": (
        lambda m: m["layers"].append(m["layers"][0]),
        "config and manifest disagree: 2 diff IDs, 3 layers",
    ),
    "another size": (lambda m: m["layers"][0].update(size=1), "the manifest says 1"),
    "another type": (lambda m: m["layers"][0].update(mediaType=ZSTD), "and compression none disagree"),
    "no layer's type": (lambda m: m["layers"][0].update(mediaType="text/plain"), "is not a layer type"),
    "a layer missing": (lambda m: m["layers"][0].update(digest=NO_DIGEST), "is missing"),
    "no digest": (lambda m: m["layers"][0].pop("digest"), "the key 'digest' is missing"),
}


@pytest.mark.parametrize("change", MANIFEST_CHANGES)
def test_tells_what_is_wrong_with_the_manifest(made, tmp_path, change):
    apply, message = MANIFEST_CHANGES[change]
    assert any(message in line for line in wrong(changed(made["image"], tmp_path, manifest=apply)))


def changed_index(made, tmp_path, change):
    image = copied(made["image"], tmp_path)
    index = image_files.index(image)
    change(index["manifests"][0])
    (image / "index.json").write_text(json.dumps(index))
    return image


INDEX_CHANGES = {
    "another size": (lambda d: d.update(size=1), "its descriptor says 1"),
    "another digest": (lambda d: d.update(digest=NO_DIGEST), "is missing"),
    "another platform": (
        lambda d: d.update(platform={"os": "linux", "architecture": "s390x"}),
        "found linux/s390x",
    ),
    "another tag": (
        lambda d: d["annotations"].update({"org.opencontainers.image.ref.name": "other"}),
        "the tag is 'other'",
    ),
    "a bad name": (
        lambda d: d["annotations"].update({"io.containerd.image.name": "docker.io/library/Made:latest"}),
        "upper-case",
    ),
}


@pytest.mark.parametrize("change", INDEX_CHANGES)
def test_tells_what_is_wrong_with_the_index(made, tmp_path, change):
    apply, message = INDEX_CHANGES[change]
    assert any(message in line for line in wrong(changed_index(made, tmp_path, apply)))


# Layers.


def test_tells_a_member_that_is_there_twice(said, tmp_path):
    [line] = said(one_layer(tmp_path, {"a": b"1"}, {"b": b"2"}, {"./a": b"1"}))
    assert line.startswith("bad layer: 'a' appears more than once (")


def test_tells_a_member_within_a_file(tmp_path):
    [line] = wrong(one_layer(tmp_path, {"a": b"", "a/b": b""}))
    assert "'a/b' is inside 'a', which is a file" in line


@pytest.mark.parametrize("target", ["b", "../a", "d"])
def test_tells_a_hard_link_that_leads_nowhere(tmp_path, target):
    image = one_layer(tmp_path, {"d": DIRECTORY, "a": HardLink(target), "b": b""})
    assert any("'a' is a hard link to" in line for line in wrong(image))


@pytest.mark.parametrize(
    "parts",
    [
        [{"b": b""}, {"a": b""}],
        [{"d": DIRECTORY, "e": b"", "d/a": b""}],
        [{"a": b"", ".wh.b": b""}],
    ],
    ids=["names", "depth", "whiteouts"],
)
def test_asks_for_our_order_where_it_is_promised(tmp_path, parts):
    image = one_layer(tmp_path, *parts)
    assert wrong(image) == []
    assert any("is out of order" in line for line in wrong(image, strict=True))


def test_asks_for_directories_before_what_is_in_them(tmp_path):
    image = one_layer(tmp_path, {"d/a": b""})
    assert wrong(image) == []
    assert any("comes before its directory" in line for line in wrong(image, strict=True))


def test_strict_is_an_option(said, tmp_path):
    assert len(said(one_layer(tmp_path, {"b": b"", "a": b""}), "--strict")) == 1


def test_asks_for_our_order_of_layers_that_mk_layer_made(tmp_path):
    layer = file_trees.tar({"b": b"", "a": b""})
    history = ({"created_by": "mk-layer"}, {"created_by": "other"})
    image = image_forms.Image(layers=(layer, layer), history=history)
    [line] = wrong(layout(tmp_path, image))
    assert "'a' is out of order" in line


def test_tells_too_many_layers(tmp_path):
    many = image_forms.Image(layers=tuple(file_trees.tar({str(number): b""}) for number in range(126)))
    assert any("126 layers, but engines load at most 125" in line for line in wrong(layout(tmp_path, many)))


NO_TARS = {"garbage": b"no tar" * 200, "cut": file_trees.tar({"a": b"x" * 2000})[:1024]}


@pytest.mark.parametrize("layer", NO_TARS.values(), ids=NO_TARS)
def test_tells_a_layer_that_is_no_tar(tmp_path, layer):
    assert len(wrong(layout(tmp_path, image_forms.Image(layers=(layer,))))) == 1


def test_tells_a_gzip_that_ends_early(tmp_path):
    image = image_forms.Image(layers=(file_trees.tar({"a": b"x"}),))
    cut = lambda layer: ("+gzip", gzip.compress(layer)[:-4])  # noqa: E731
    assert any("truncated" in line for line in wrong(layout(tmp_path, image, cut)))


# Docker's archives.


def test_tells_names_that_contradict_each_other(tmp_path):
    content = image_forms.docker_v1_1(IMAGE)
    content["repositories"] = content["repositories"].replace(b"parent", b"qarent")
    assert any("names disagree: docker.io/library/qarent:v1" in line for line in wrong(written(tmp_path, content)))


def test_tells_an_index_that_lacks_the_image(tmp_path):
    other = image_forms.Image(layers=IMAGE.layers, runtime={"Env": ["B=2"]})
    content = image_forms.docker_oci(IMAGE) | {"index.json": image_forms.docker_oci(other)["index.json"]}
    content |= {name: data for name, data in image_forms.docker_oci(other).items() if name.startswith("blobs/")}
    lines = wrong(written(tmp_path, content))
    assert any("no image in the index has the config that manifest.json names" in line for line in lines)


def relinked(change):
    """A docker archive with changed json documents of its layers, base layer first."""
    content = image_forms.docker_v1_1(IMAGE)
    names = [name for name in content if name.endswith("/json")]
    names.sort(key=lambda name: b'"parent"' in content[name])
    changed_jsons = change([json.loads(content[name]) for name in names])
    return content | dict(zip(names, map(image_forms.encode, changed_jsons), strict=True))


def test_tells_parent_links_in_a_circle(tmp_path):
    content = relinked(lambda jsons: [jsons[0] | {"parent": jsons[1]["id"]}, jsons[1]])
    assert any("parent loop" in line for line in wrong(written(tmp_path, content)))


def test_tells_a_missing_parent(tmp_path):
    content = relinked(lambda jsons: [jsons[0], jsons[1] | {"parent": "0" * 64}])
    assert any("layer is missing" in line for line in wrong(written(tmp_path, content)))


def test_tells_another_id(tmp_path):
    content = relinked(lambda jsons: [jsons[0] | {"id": "0" * 64}, jsons[1]])
    assert any("its directory says" in line for line in wrong(written(tmp_path, content)))


def test_tells_links_that_give_another_list(tmp_path):
    content = image_forms.docker_v1_1(IMAGE)
    first, second = (name for name in content if name.endswith("/layer.tar"))
    content[first], content[second] = content[second], content[first]
    manifest = json.loads(content["manifest.json"])
    manifest[0]["Layers"].reverse()
    content["manifest.json"] = json.dumps(manifest).encode()
    assert any("parent links and manifest.json disagree" in line for line in wrong(written(tmp_path, content)))


def test_tells_another_version(tmp_path):
    content = image_forms.docker_v1_1(IMAGE)
    content = {name: b"2.0" if name.endswith("/VERSION") else data for name, data in content.items()}
    assert any("expected b'1.0'" in line for line in wrong(written(tmp_path, content)))


# What is no image.


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "file is empty"), (b"text" * 1000, "not a tar archive"), (bytes(10240), "not an image")],
    ids=["empty", "text", "no members"],
)
def test_tells_what_is_no_image(said, tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    [line] = said(path)
    assert message in line


def test_tells_what_is_missing(said, tmp_path):
    assert said(tmp_path / "nothing") == [f"bad image: no such file or directory ({tmp_path / 'nothing'})"]


def test_tells_which_images_there_are(said, tmp_path):
    other = image_forms.Image(layers=IMAGE.layers, name="other")
    [line] = said(written(tmp_path, image_forms.docker_v1_1(IMAGE, other)))
    assert "parent:v1, other:v1" in line
