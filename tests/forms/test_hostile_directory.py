"""Directories that a stranger made: no link in them gives away a file of this machine, or hangs."""

import json
import os
import shutil
import socket
from itertools import cycle

import pytest

import image_files
from file_trees import tar, write_directory
from image_forms import Image, dir_transport, docker_oci, docker_v1, docker_v1_1, gzipped, nixpkgs, oci_layout, sha256
from laminix import regular_file
from laminix.errors import LaminixError
from laminix.forms import open_image
from laminix.forms.members import DirectoryMembers
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks
from layer_files import HASHES

IMAGE = Image((tar({"a": b"1"}), tar({"b": b"2"})), {"Env": ["A=b"]})
FORMS = {
    "docker-1.9": docker_v1(IMAGE),
    "docker-1.10": docker_v1_1(IMAGE),
    "docker-25": docker_oci(IMAGE, gzipped),
    "nixpkgs": nixpkgs(IMAGE),
    "nixpkgs-gzip": nixpkgs(IMAGE, gzipped),
    "oci": oci_layout(IMAGE, gzipped),
    "dir": dir_transport(IMAGE, gzipped),
}


def is_read(form, name):
    """Whether the member is a file that a reader of the image opens."""
    if FORMS[form][name] is None or name in ("version", "repositories") and form != "docker-1.9":
        return False
    if name.endswith("/VERSION") or (form, name) == ("docker-25", "oci-layout"):
        return False
    return form == "docker-1.9" or not name.endswith("/json")


MEMBERS = [(form, name) for form, members in FORMS.items() for name in members if is_read(form, name)]
STORED = f"{HASHES[0] * 32}-file"


def read_whole(path):
    """Read all of the image at PATH, which checks it."""
    for layer in open_image(str(path)).layers:
        for chunks in (checked_chunks(layer, diff_id_too=True), uncompressed_chunks(layer)):
            for _ in chunks:
                pass


@pytest.fixture
def image(tmp_path):
    """``image(form)``: a directory of that form."""
    return lambda form: tmp_path / os.path.basename(write_directory(str(tmp_path / form), FORMS[form]))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The store directory of this test, as $NIX_STORE names it."""
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def moved(member, place):
    """Move MEMBER to PLACE and leave a link to it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(member, place)
    member.symlink_to(place)


def refusal(path):
    with pytest.raises(LaminixError) as caught:
        read_whole(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form, name", MEMBERS)
def test_no_member_is_a_link_out_of_the_image(image, tmp_path, form, name):
    directory = image(form)
    moved(directory / name, tmp_path / "secret")
    assert f"link {name!r} points to '{tmp_path}/secret', expected a target in the image" in refusal(directory)


@pytest.mark.parametrize("form, name", MEMBERS)
def test_no_member_is_behind_a_link_out_of_the_image(image, tmp_path, form, name):
    directory, top = image(form), name.partition("/")[0]
    if top == name:
        (tmp_path / "other").mkdir()
        (directory / "step").symlink_to("../other")
        moved(directory / name, tmp_path / "other" / name)
        (directory / name).unlink()
        (directory / name).symlink_to(f"step/{name}")
    else:
        moved(directory / top, tmp_path / "other")
    assert f"points to '{tmp_path}/other" in refusal(directory)


@pytest.mark.parametrize("form, name", MEMBERS)
def test_a_link_within_the_image_is_followed(image, tmp_path, form, name):
    directory = image(form)
    moved(directory / name, directory / "elsewhere/file")
    (tmp_path / "result").symlink_to(directory)
    for path in (directory, tmp_path / "result", f"{directory}/../{form}/."):
        read_whole(path)


def is_vouched_for(form, name):
    """Whether a digest says what the bytes of the member are."""
    if form == "docker-1.9":
        return False
    return "blobs/" in name or name.endswith("/layer.tar") or (form == "dir" and name != "manifest.json")


@pytest.mark.parametrize("form, name", MEMBERS)
def test_only_members_that_a_digest_vouches_for_are_links_into_the_store(image, store, form, name):
    directory = image(form)
    moved(directory / name, store / STORED)
    if is_vouched_for(form, name):
        read_whole(directory)
    else:
        assert f"link {name!r} points to '{store}/{STORED}', expected a target in the image" in refusal(directory)


@pytest.mark.parametrize("form, name", [(form, name) for form, name in MEMBERS if is_vouched_for(form, name)])
def test_what_is_no_store_is_no_place_for_a_blob(image, tmp_path, store, form, name):
    directory = image(form)
    moved(directory / name, tmp_path / "store-other" / STORED)
    assert "in the image directory or the Nix store; replace the link with a copy" in refusal(directory)


def test_a_legacy_layer_gives_no_file_away(builder, image, tmp_path):
    """No document has a digest of such a layer: any tar of this machine would do."""
    directory = image("docker-1.9")
    [layer, _] = directory.glob("*/layer.tar")
    (tmp_path / "secret").write_bytes(tar({"secret": b"the secret"}))
    layer.unlink()
    layer.symlink_to("../../secret")
    for command in (
        ("list-layers", directory),
        ("pack-image", directory, "--format", "docker-archive", "--out", "-"),
        ("pack-image", directory, "--format", "docker-legacy-archive", "--out", "-"),
        ("verify-image", directory),
    ):
        done = builder(*command)
        assert done.returncode == 1 and "secret" not in done.stdout
        assert all("layer.tar' points to" in line for line in done.stderr.splitlines())


def make_fifo(path):
    os.mkfifo(path.parent / "fifo")
    return "fifo"


TARGETS = {"device": lambda _: "/dev/zero", "pipe": lambda _: "/dev/stdin", "fifo": make_fifo}


@pytest.mark.parametrize("member, target", list(zip(MEMBERS, cycle(TARGETS))))
def test_a_link_to_a_device_or_fifo_is_not_opened(builder, image, member, target):
    form, name = member
    member = image(form) / name
    member.unlink()
    member.symlink_to(TARGETS[target](member))
    read, write = os.pipe()
    done = builder("verify-image", member.parents[name.count("/")], stdin=read, timeout=60)
    os.close(read)
    os.close(write)
    assert done.returncode == 1
    assert any(f"{name!r} is a " in line and "expected a regular file" in line for line in done.stderr.splitlines())


def test_a_fifo_that_takes_a_files_place_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    found = os.stat(tmp_path / "file")
    with monkeypatch.context() as patch:
        patch.setattr(regular_file.os, "stat", lambda *_, **__: found)
        with pytest.raises(LaminixError) as caught:
            regular_file.open_regular_file(str(tmp_path / "fifo")).close()
    assert "found a FIFO, expected a regular file" in str(caught.value)


def test_verify_image_names_every_link_that_leads_out(builder, image, tmp_path):
    directory = image("oci")
    blobs = sorted((directory / "blobs/sha256").iterdir())
    for blob in blobs:
        moved(blob, tmp_path / "outside" / blob.name)
    lines = builder("verify-image", directory).stderr.splitlines()
    assert [any(f"{blob.name}' points to" in line for line in lines) for blob in blobs] == [True] * len(blobs)


def test_the_layer_directory_of_a_recipe_keeps_no_blob(builder, image, tmp_path):
    """A blob beside layer.json would be one more way to the files of this machine."""
    directory = image("oci")
    layers = image_files.manifest(directory)["layers"]
    blob = image_files.blob_path(directory, layers[0]["digest"])
    place = directory / "layers" / layers[0]["digest"].replace(":", "/")
    moved(blob, tmp_path / "secret")
    blob.unlink()
    place.mkdir(parents=True)
    (place / "layer.tar.gz").symlink_to(tmp_path / "secret")
    said = {"laminix": 1, "descriptor": layers[0], "diffID": IMAGE.diff_ids[0], "diffSize": len(IMAGE.layers[0])}
    said |= {"blob": "layer.tar.gz", "recipe": None, "storePaths": [], "history": {}}
    (place / "layer.json").write_text(json.dumps(said))
    assert "found a layer with a blob, expected one with only a recipe" in refusal(directory)


def test_an_address_in_a_descriptor_is_not_asked(builder, image):
    """The urls of a layer that is missing are for clients that pull (image-spec descriptor.md)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        directory = with_urls(image("oci"), [f"http://127.0.0.1:{server.getsockname()[1]}/layer"])
        done = builder("pack-image", directory, "--format", "oci", "--out", directory.parent / "out")
        assert done.returncode == 1 and "of the manifest is missing" in done.stderr
        with pytest.raises(BlockingIOError):
            server.accept()


def with_urls(directory, urls):
    """The layout with URLS in the descriptor of its first layer, whose blob is gone."""
    index, manifest = image_files.index(directory), image_files.manifest(directory)
    image_files.blob_path(directory, manifest["layers"][0]["digest"]).unlink()
    manifest["layers"][0]["urls"] = urls
    data = json.dumps(manifest).encode()
    (directory / "blobs/sha256" / sha256(data)).write_bytes(data)
    index["manifests"][0] |= {"digest": f"sha256:{sha256(data)}", "size": len(data)}
    (directory / "index.json").write_text(json.dumps(index))
    return directory


def test_a_link_to_itself_is_a_name_like_others(image):
    directory = image("oci")
    (directory / "loop").symlink_to("loop")
    assert "loop" in DirectoryMembers(str(directory)).names()
