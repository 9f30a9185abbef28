"""mk-image outside the Nix store: blobs that nobody may write are hard links, all others reflinks or copies."""

import os
import subprocess

import pytest

from image_maker import ImageMaker


@pytest.fixture
def maker(builder, tmp_path):
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def layer(maker):
    return maker.layer("layer", {"file": b"content" * 1000})


def blob_of(maker, image):
    """The layer's blob in an image directory."""
    (listed,) = maker.layers(image)
    return image / "blobs" / listed["digest"].replace(":", "/")


def test_a_blob_of_mk_layer_is_shared(maker, layer):
    blob = blob_of(maker, maker.image("image", {}, layer))
    assert blob.samefile(layer / "layer.tar") and blob.stat().st_mode & 0o777 == 0o444
    maker.run("verify-image", blob.parents[2])


def test_an_image_on_another_shares_too(maker, layer):
    parent = maker.image("parent", {}, layer)
    child = maker.image("child", {}, maker.layer("upper", {"other": b""}))
    merged = maker.build("merged", "merge-parent", "--parent", parent, "--image", child)
    blobs = [merged / "blobs" / entry["digest"].replace(":", "/") for entry in maker.layers(merged)]
    assert [blob.stat().st_nlink for blob in blobs] == [3, 3]


def test_a_blob_that_may_be_written_is_copied(maker, layer):
    (layer / "layer.tar").chmod(0o644)
    blob = blob_of(maker, maker.image("image", {}, layer))
    assert not blob.samefile(layer / "layer.tar") and blob.read_bytes() == (layer / "layer.tar").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to own files as another user")
def test_a_blob_of_another_user_is_copied(maker, layer):
    os.chown(layer / "layer.tar", 65534, 65534)
    assert not blob_of(maker, maker.image("image", {}, layer)).samefile(layer / "layer.tar")


def test_a_blob_that_is_not_what_layer_json_says_is_refused(maker, layer):
    tar = layer / "layer.tar"
    tar.chmod(0o644)
    tar.write_bytes(tar.read_bytes().replace(b"content", b"CONTENT"))
    tar.chmod(0o444)
    assert "its digest is " in maker.refused("mk-image", "--name", "x", "--layer", layer)


@pytest.fixture(scope="module")
def btrfs(need, tmp_path_factory):
    """A directory on a file system with reflinks."""
    need("mkfs.btrfs", "filefrag", "mount", root=True)
    directory = tmp_path_factory.mktemp("btrfs")
    disk, mount = directory / "disk", directory / "mount"
    with open(disk, "wb") as file:
        file.truncate(150 << 20)
    mount.mkdir()
    subprocess.run(["mkfs.btrfs", "-q", disk], check=True)
    subprocess.run(["mount", "-o", "loop", disk, mount], check=True)
    yield mount
    subprocess.run(["umount", mount], check=True)


def writable_layer(maker):
    """A layer of more than btrfs keeps in its tree, whose blob somebody may write."""
    layer = maker.layer("layer", {"file": b"content" * 20000})
    (layer / "layer.tar").chmod(0o644)
    return layer


def extents(path):
    """Where the file system has the bytes of a file, one line each."""
    os.sync()
    return subprocess.run(["filefrag", "-v", path], check=True, capture_output=True, text=True).stdout


def test_a_copy_is_a_reflink_where_the_file_system_can(builder, btrfs):
    maker = ImageMaker(builder, btrfs)
    image = maker.image("image", {}, writable_layer(maker))
    blob = blob_of(maker, image)
    assert "shared" in extents(blob) and blob.stat().st_nlink == 1
    maker.run("verify-image", image)
    packed = blob_of(maker, maker.build("packed", "pack-image", image, "--format", "oci"))
    assert "shared" in extents(packed) and packed.stat().st_nlink == 1


def test_a_layer_on_another_file_system_is_copied(builder, maker, btrfs):
    blob = blob_of(ImageMaker(builder, btrfs), ImageMaker(builder, btrfs).image("other", {}, writable_layer(maker)))
    assert "shared" not in extents(blob)


def test_a_reflink_is_checked(builder, btrfs):
    maker = ImageMaker(builder, btrfs)
    layer = maker.layer("damaged", {"file": b"content" * 20000})
    tar = layer / "layer.tar"
    tar.chmod(0o644)
    tar.write_bytes(tar.read_bytes().replace(b"content", b"CONTENT"))
    assert "its digest is " in maker.refused("mk-image", "--name", "x", "--layer", layer)
