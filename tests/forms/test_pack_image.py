"""pack-image: an image in the forms that are carried away."""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from checkout import ROOT
from engines.skopeo import Skopeo
from file_trees import DIRECTORY, tar, write_directory, write_tar
from image_forms import Image, docker_v1, gzipped, nixpkgs, oci_image, oci_layout, zstandard
from image_maker import ImageMaker
from layer_files import store_path

ARCHIVES = ("docker-archive", "docker-legacy-archive")
DIRECTORIES = ("dir", "oci")
FORMS = (*ARCHIVES, *DIRECTORIES)
CONFIG = {"Env": ["A=b"], "Cmd": ["/bin/x"]}
IMAGE = Image((tar({"a": b"1"}), tar({"b": b"2"})), CONFIG)
TAGS = ("--tag", "1", "--tag", "latest")


@pytest.fixture
def maker(builder, tmp_path) -> ImageMaker:
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def image(maker):
    """The image directory of hello:1 and hello:latest: a plain, a gzip and a zstd layer, the first again."""
    base = maker.layer("base", {"etc": DIRECTORY, "etc/base": b"base"})
    app = maker.layer("app", {"app": b"app"}, "--compressor", "gzip")
    top = maker.layer("top", {"top": b"top"}, "--compressor", "zstd")
    config = maker.directory / "config.json"
    config.write_text(json.dumps(CONFIG))
    layers = [word for layer in (base, app, top, base) for word in ("--layer", layer)]
    return maker.build("image", "mk-image", "--name", "hello", *TAGS, "--config", config, *layers)


@pytest.fixture
def packed(maker):
    """``packed(image, form, …)``: IMAGE, or the image in the archive of these members, in another FORM."""

    def pack(image, form, *options):
        if isinstance(image, dict):
            image = write_tar(str(maker.directory / "given"), image)
        return maker.build(f"packed.{form}", "pack-image", image, "--format", form, *options)

    return pack


@pytest.fixture
def refused(maker):
    """``refused(…)``: the error line of pack-image, which leaves no files behind."""
    return functools.partial(maker.refused, "pack-image")


def read_json(archive, name):
    with tarfile.open(archive) as file:
        return json.loads(file.extractfile(name).read())


def names(archive):
    with tarfile.open(archive) as file:
        return file.getnames()


def read_bytes(place):
    """All that is at a place: a file's bytes, or each file's in a directory."""
    if not place.is_dir():
        return place.read_bytes()
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


# Every form.


@pytest.mark.parametrize("form", FORMS)
def test_has_the_same_layers(maker, image, packed, form):
    assert maker.diff_ids(packed(image, form)) == maker.diff_ids(image, "--image", "hello:1")


@pytest.mark.parametrize("form", FORMS)
def test_same_image_gives_the_same_bytes(maker, image, packed, form):
    again = maker.build("again", "pack-image", image, "--format", form)
    assert read_bytes(packed(image, form)) == read_bytes(again)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "given",
    (docker_v1, nixpkgs, lambda image: nixpkgs(image, gzipped), lambda image: oci_layout(image, zstandard)),
)
def test_takes_any_form(maker, packed, form, given):
    assert maker.diff_ids(packed(given(IMAGE), form)) == IMAGE.diff_ids


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("given", (docker_v1, nixpkgs, oci_layout))
def test_packed_again_it_is_the_same(maker, packed, form, given):
    once = packed(given(IMAGE), form, "--tag", "hello:1")
    again = maker.build("again", "pack-image", once, "--format", form, "--tag", "hello:1")
    assert read_bytes(once) == read_bytes(again)


@pytest.mark.parametrize("form", ("docker-archive", "oci"))
def test_manifest_of_oci_keeps_its_bytes(packed, form):
    manifest, _ = oci_image(IMAGE, gzipped)
    place = packed(oci_layout(IMAGE, gzipped), form)
    index = json.loads((place / "index.json").read_bytes()) if place.is_dir() else read_json(place, "index.json")
    assert {entry["digest"] for entry in index["manifests"]} == {manifest["digest"]}


@pytest.mark.parametrize("form", ARCHIVES)
def test_archive_goes_to_standard_output(builder, image, packed, form):
    done = builder("pack-image", image, "--format", form, "--out", "-", text=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", packed(image, form).read_bytes())


@pytest.mark.parametrize("end, why", [("> /dev/full", "No space left on device"), (">&-", "standard output is closed")])
def test_standard_output_that_takes_nothing(image, end, why):
    program = ROOT / "builders/pack-image"
    command = f'exec "$0" -I -B "$1" "$2" --format docker-archive --out - {end}'
    done = subprocess.run(["sh", "-c", command, sys.executable, program, image], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("pack-image: error: ") and why in done.stderr


@pytest.mark.parametrize("form", ARCHIVES)
def test_archive_is_written_by_the_rules_of_layers(image, packed, form):
    with tarfile.open(packed(image, form)) as file:
        members = file.getmembers()
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (1, 0, 0, "", "")
    }
    assert len({member.name for member in members}) == len(members)
    assert packed(image, form).stat().st_size == members[-1].offset_data + -(-members[-1].size // 512) * 512 + 1024


@pytest.mark.parametrize("form", ARCHIVES)
def test_gnu_tar_has_no_complaint(image, packed, form):
    done = subprocess.run(["tar", "-tf", packed(image, form)], capture_output=True, text=True, check=True)
    assert (done.stdout.replace("/\n", "\n").split(), done.stderr) == (names(packed(image, form)), "")


@pytest.mark.parametrize("form", ARCHIVES)
def test_archive_in_its_place_is_replaced(builder, image, packed, form, tmp_path):
    (tmp_path / "out").write_text("old")
    builder("pack-image", image, "--format", form, "--out", tmp_path / "out", check=True)
    assert (tmp_path / "out").read_bytes() == packed(image, form).read_bytes()


# docker-archive.


def test_documents_go_first(image, packed):
    found = names(packed(image, "docker-archive"))
    assert found[:6] == ["oci-layout", "index.json", "manifest.json", "repositories", "blobs", "blobs/sha256"]
    sizes = [os.path.getsize(image / name) for name in found[6:8]]
    assert max(sizes) < 2048 and len(found) == 11  # manifest, config, three layers


def test_is_a_layout_and_a_docker_archive(image, packed):
    archive = packed(image, "docker-archive")
    [entry] = read_json(archive, "manifest.json")
    index = read_json(archive, "index.json")
    manifest = read_json(archive, "blobs/" + index["manifests"][0]["digest"].replace(":", "/"))
    assert entry == {
        "Config": "blobs/" + manifest["config"]["digest"].replace(":", "/"),
        "RepoTags": ["hello:1", "hello:latest"],
        "Layers": ["blobs/" + layer["digest"].replace(":", "/") for layer in manifest["layers"]],
    }
    top = manifest["layers"][-1]["digest"].removeprefix("sha256:")
    assert read_json(archive, "repositories") == {"hello": {"1": top, "latest": top}}
    assert index == json.loads((image / "index.json").read_bytes())


def test_name_is_familiar_for_docker_and_qualified_for_containerd(packed):
    tags = ("--tag", "docker.io/library/a:1", "--tag", "b.org/c:2", "--tag", "b.org/c:2")
    archive = packed(oci_layout(IMAGE), "docker-archive", *tags)
    assert read_json(archive, "manifest.json")[0]["RepoTags"] == ["a:1", "b.org/c:2"]
    assert sorted(read_json(archive, "repositories")) == ["a", "b.org/c"]
    assert [entry["annotations"] for entry in read_json(archive, "index.json")["manifests"]] == [
        {
            "io.containerd.image.name": "docker.io/library/a:1",
            "org.opencontainers.image.ref.name": "1",
        },
        {"io.containerd.image.name": "b.org/c:2", "org.opencontainers.image.ref.name": "2"},
    ]


def test_image_without_a_name_stays_without(packed, image):
    archive = packed(packed(image, "dir"), "docker-archive")
    assert read_json(archive, "manifest.json")[0]["RepoTags"] is None
    assert ["annotations" in entry for entry in read_json(archive, "index.json")["manifests"]] == [False] * 2


@pytest.mark.parametrize("tags", [("a:1",), ("a:1", "a:2"), ("a:1", "a:2", "b:1")], ids=len)
def test_an_index_in_an_archive_has_two_entries_at_least(packed, image, tags):
    """With one entry podman takes the archive for a layout and ignores manifest.json."""
    options = [word for tag in tags for word in ("--tag", tag)]
    entries = read_json(packed(image, "docker-archive", *options), "index.json")["manifests"]
    assert len(entries) == max(2, len(tags)) and len({entry["digest"] for entry in entries}) == 1


# docker-legacy-archive.


def test_both_specifications_are_followed(maker, image, packed):
    archive = packed(image, "docker-legacy-archive")
    [entry] = read_json(archive, "manifest.json")
    linked, top = [], read_json(archive, "repositories")["hello"]["1"]
    while top is not None:
        document = read_json(archive, f"{top}/json")
        assert document["id"] == top and re.fullmatch("[0-9a-f]{64}", top)
        linked.insert(0, document)
        top = document.get("parent")
    assert [len(entry["Layers"]), len(linked)] == [4, 4]
    assert entry["Layers"][:3] == [f"{document['id']}/layer.tar" for document in linked[:3]]
    assert linked[-1]["config"] == CONFIG and "config" not in linked[0]
    assert entry["RepoTags"] == ["hello:1", "hello:latest"]
    config = tarfile.open(archive).extractfile(entry["Config"]).read()
    assert entry["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"


def test_layer_named_twice_is_listed_by_its_first_path_and_linked(image, packed):
    archive = packed(image, "docker-legacy-archive")
    layers = read_json(archive, "manifest.json")[0]["Layers"]
    assert layers[0] == layers[3]
    last = f"{read_json(archive, 'repositories')['hello']['1']}/layer.tar"
    with tarfile.open(archive) as file:
        member = file.getmember(last)
        assert (member.issym(), os.path.normpath(f"{last}/../{member.linkname}")) == (True, layers[0])


def test_layers_are_uncompressed(maker, image, packed):
    archive = packed(image, "docker-legacy-archive")
    layers = read_json(archive, "manifest.json")[0]["Layers"]
    with tarfile.open(archive) as file:
        found = [hashlib.sha256(file.extractfile(name).read()).hexdigest() for name in layers]
    assert [f"sha256:{digest}" for digest in found] == maker.diff_ids(image, "--image", "hello:1")


def test_without_its_manifest_it_is_still_the_image(maker, image, packed, tmp_path):
    archive = packed(image, "docker-legacy-archive")
    with tarfile.open(archive) as old, tarfile.open(tmp_path / "links", "w") as new:
        for member in old:
            if member.name != "manifest.json":
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
    whole, stripped = maker.layers(archive), maker.layers(tmp_path / "links")
    assert [layer["diffID"] for layer in stripped] == [layer["diffID"] for layer in whole]
    assert [layer["history"] for layer in stripped] == [layer["history"] for layer in whole]


def test_image_without_layers_has_no_linked_list(refused, tmp_path):
    given = write_tar(str(tmp_path / "given"), oci_layout(Image(())))
    assert "the image has no layers, but this form needs at least one" in refused(
        given, "--format", "docker-legacy-archive"
    )


# dir and oci.


def test_dir_is_what_skopeo_writes(image, packed):
    directory = packed(image, "dir")
    manifest = json.loads((directory / "manifest.json").read_bytes())
    blobs = [manifest["config"], *manifest["layers"]]
    assert (directory / "version").read_text() == "Directory Transport Version: 1.1\n"
    assert sorted(os.listdir(directory)) == sorted(
        {"manifest.json", "version", *(blob["digest"].removeprefix("sha256:") for blob in blobs)}
    )


@pytest.mark.parametrize("form, links", [("dir", 3), ("oci", 0)])
def test_blobs_in_a_store_are_links_in_dir_alone(builder, image, tmp_path, form, links):
    store = tmp_path / "store"
    stored = shutil.copytree(image, store / "image", symlinks=True)
    environment = {**os.environ, "NIX_STORE": str(store)}
    out = tmp_path / "out"
    builder("pack-image", stored, "--format", form, "--out", out, env=environment, check=True)
    assert [path.is_symlink() for path in out.rglob("*")].count(True) == links


@pytest.mark.parametrize("form", DIRECTORIES)
def test_directory_does_not_go_to_standard_output(builder, image, form):
    done = builder("pack-image", image, "--format", form, "--out", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is a directory; only an archive can be written to standard output" in done.stderr


def test_media_type_follows_the_bytes(packed, maker):
    """skopeo labels plain layers of a docker archive as gzip in a ``dir:``."""
    descriptor, blobs = oci_image(IMAGE, lambda layer: ("+gzip", layer))
    members = {name.removeprefix("blobs/sha256/"): data for name, data in blobs.items()}
    manifest = json.loads(members[descriptor["digest"].removeprefix("sha256:")])
    manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
    members["manifest.json"] = json.dumps(manifest).encode()
    directory = write_directory(str(maker.directory / "mislabelled"), members)
    layers = maker.layers(packed(directory, "oci"))
    assert {layer["mediaType"] for layer in layers} == {"application/vnd.oci.image.layer.v1.tar"}


# Layers that keep no blob.


@pytest.fixture
def without_blob(maker, monkeypatch):
    """An image directory whose one layer is a recipe, and one of the same layer with its blob."""
    monkeypatch.setenv("NIX_STORE", str(maker.directory / "nix/store"))
    path = store_path(maker.directory / "nix/store", "tool")
    kept = maker.build("kept", "mk-layer", "--store-path", path)
    recipe = maker.build("recipe", "mk-layer", "--store-path", path, "--no-blob")
    return tuple(
        maker.build(f"{layer.name}.image", "mk-image", "--name", "x", "--layer", layer) for layer in (recipe, kept)
    )


@pytest.mark.parametrize("form", FORMS)
def test_recipe_makes_the_layer_again(maker, without_blob, form):
    recipe, kept = (
        maker.build(f"{image.name}.{form}", "pack-image", image, "--format", form) for image in without_blob
    )
    assert read_bytes(recipe) == read_bytes(kept)


@pytest.mark.parametrize("form", FORMS)
def test_recipe_whose_path_has_changed_is_refused(maker, without_blob, refused, form):
    [tool] = (maker.directory / "nix/store").glob("*-tool")
    [file] = [path for path in tool.rglob("*") if path.is_file()]
    os.chmod(file, 0o755)
    file.write_bytes(bytes(reversed(file.read_bytes())))
    line = refused(without_blob[0], "--format", form)
    assert line.startswith("bad layer: its di") and "expected sha256:" in line


# What is refused.


@pytest.mark.parametrize("form", FORMS)
def test_layer_that_is_another_is_named(image, refused, form):
    [blob] = [path for path in (image / "blobs/sha256").iterdir() if b"etc/base" in path.read_bytes()]
    data = blob.read_bytes()
    blob.write_bytes(b"X" + data[1:])
    assert refused(image, "--format", form).endswith(f"expected sha256:{blob.name} ({blob})")


@pytest.mark.parametrize("form", FORMS)
def test_layer_of_another_size_is_named(image, refused, form):
    [blob] = [path for path in (image / "blobs/sha256").iterdir() if b"etc/base" in path.read_bytes()]
    blob.write_bytes(blob.read_bytes() + bytes(512))
    assert refused(image, "--format", form) == f"bad layer: it has 3072 bytes, the manifest says 2560 ({blob})"


@pytest.mark.parametrize(
    "tag, why",
    [
        ("Hello:1", "bad image name: 'Hello'"),
        ("hello:.1", "bad image tag: found '.1'"),
        ("a:1:2", "bad image name: 'a:1': it has a tag"),
    ],
)
def test_bad_tag_is_refused(image, refused, tag, why):
    assert why in refused(image, "--format", "docker-archive", "--tag", tag, status=2)


@pytest.mark.parametrize("form", FORMS)
def test_directory_in_its_place_is_left_alone(builder, image, tmp_path, form):
    (tmp_path / "out").mkdir()
    done = builder("pack-image", image, "--format", form, "--out", tmp_path / "out")
    assert (done.returncode, os.listdir(tmp_path / "out")) == (1, [])


def test_unknown_form_is_wrong_usage(builder, image, tmp_path):
    done = builder("pack-image", image, "--format", "tar", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


# Others agree.


@pytest.mark.parametrize(
    "form, transport",
    [
        ("docker-archive", "docker-archive:{}"),
        ("docker-archive", "oci-archive:{}:1"),
        ("docker-legacy-archive", "docker-archive:{}"),
        ("dir", "dir:{}"),
        ("oci", "oci:{}:1"),
    ],
)
def test_skopeo_reads_it_and_we_read_skopeos(maker, image, packed, need, form, transport):
    need("skopeo")
    skopeo, copy = Skopeo(str(maker.directory)), maker.directory / "copy"
    skopeo.copy(transport.format(packed(image, form)), f"dir:{copy}")
    assert maker.diff_ids(copy) == maker.diff_ids(image, "--image", "hello:1")
    packed_again = maker.build("again", "pack-image", copy, "--format", "oci", "--tag", "x:1")
    assert maker.diff_ids(packed_again) == maker.diff_ids(copy)
