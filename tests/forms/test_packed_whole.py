"""What pack-image writes is whole, or it fails: configs named by another digest, layers compressed with xz."""

import gzip
import hashlib
import json
import lzma

import pytest

from error_line import error_line
from file_trees import tar, write_tar
from image_forms import Image, digest, encode, oci_layout, sha256
from laminix.verify.image import verify

IMAGE = Image((tar({"a": b"1"}),), {})
FORMS = ("docker-archive", "docker-legacy-archive", "dir", "oci")


def with_manifest(change, members=None):
    """A layout, of IMAGE by default, whose manifest is CHANGEd, with its members."""
    members = members or oci_layout(IMAGE)
    [name] = [name for name, data in members.items() if name.startswith("blobs") and b'"schemaVersion"' in data]
    manifest = json.loads(members.pop(name))
    change(manifest, members)
    index = json.loads(members["index.json"])
    index["manifests"][0] |= {"digest": digest(encode(manifest)), "size": len(encode(manifest))}
    return {**members, f"blobs/sha256/{sha256(encode(manifest))}": encode(manifest), "index.json": encode(index)}


def name_by_sha512(manifest, members):
    data = members.pop(f"blobs/{manifest['config']['digest'].replace(':', '/')}")
    name = hashlib.sha512(data).hexdigest()
    manifest["config"]["digest"] = f"sha512:{name}"
    members[f"blobs/sha512/{name}"] = data


def compress_with_xz(manifest, members):
    data = lzma.compress(IMAGE.layers[0])
    manifest["layers"][0] |= {"digest": digest(data), "size": len(data)}
    members[f"blobs/sha256/{sha256(data)}"] = data


@pytest.mark.parametrize("form", FORMS)
def test_a_config_named_by_sha512(builder, tmp_path, form):
    image = write_tar(str(tmp_path / "image"), with_manifest(name_by_sha512))
    assert verify(image)[1] == []
    done = builder("pack-image", image, "--format", form, "--tag", "a:b", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    packed, problems = verify(str(tmp_path / "out"))
    assert problems == [] and packed.config.diff_ids == (digest(IMAGE.layers[0]),)


@pytest.mark.parametrize("form", ("docker-archive", "dir", "oci"))
def test_a_layer_compressed_with_xz(builder, tmp_path, form):
    image = write_tar(str(tmp_path / "image"), with_manifest(compress_with_xz))
    done = builder("pack-image", image, "--format", form, "--out", tmp_path / "out")
    assert error_line(done, "pack-image").startswith("cannot pack: layer is compressed with xz, expected none, gzip")
    assert not (tmp_path / "out").exists()


def with_diff_id_of_first(blob):
    """A layout of two layers whose config gives both the diff ID of the first; the second one is stored as BLOB."""
    first, other = tar({"a": b"1"}), tar({"b": b"2"})
    data = oci_layout(Image((first, other), {}))
    config = Image((first, first), {}).config()

    def change(manifest, members):
        members.pop(f"blobs/{manifest['config']['digest'].replace(':', '/')}")
        members.pop(f"blobs/sha256/{sha256(other)}")
        manifest["config"] |= {"digest": digest(config), "size": len(config)}
        suffix = "+gzip" if blob[:1] == b"\x1f" else ""
        kind = f"application/vnd.oci.image.layer.v1.tar{suffix}"
        manifest["layers"][1] |= {"mediaType": kind, "digest": digest(blob), "size": len(blob)}
        members |= {f"blobs/sha256/{sha256(data)}": data for data in (config, blob)}

    return with_manifest(change, data)


EVERY_FORM = (*FORMS, "oci-archive")
FIRST = tar({"a": b"1"})
OTHER = tar({"b": b"2"})


@pytest.mark.parametrize("blob", [OTHER, gzip.compress(OTHER, mtime=0)], ids=["tar", "gzip"])
def test_a_layer_with_the_diff_id_of_another_one(builder, tmp_path, blob):
    """A repeated layer becomes a link to the first, but one that only claims its diff ID does not."""
    image = write_tar(str(tmp_path / "image"), with_diff_id_of_first(blob))
    done = builder("pack-image", image, "--format", "docker-legacy-archive", "--out", tmp_path / "out")
    assert error_line(done, "pack-image").startswith(f"bad layer: its diff ID is {digest(OTHER)}, expected")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", set(EVERY_FORM) - {"docker-legacy-archive"})
def test_a_wrong_diff_id_stays_wrong(builder, tmp_path, form):
    """These forms keep the blobs, so that engines and verify-image see what is wrong."""
    image = write_tar(str(tmp_path / "image"), with_diff_id_of_first(gzip.compress(OTHER, mtime=0)))
    assert builder("pack-image", image, "--format", form, "--out", tmp_path / "out").returncode == 0
    assert any("its diff ID is" in str(problem) for problem in verify(str(tmp_path / "out"))[1])


@pytest.mark.parametrize("form", EVERY_FORM)
def test_two_blobs_of_one_layer(builder, tmp_path, form):
    """Compressed in two ways, a layer has two digests and one diff ID."""
    image = write_tar(str(tmp_path / "image"), with_diff_id_of_first(gzip.compress(FIRST, 1, mtime=0)))
    assert verify(image)[1] == []
    done = builder("pack-image", image, "--format", form, "--tag", "a:b", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    packed, problems = verify(str(tmp_path / "out"))
    assert problems == [] and packed.config.diff_ids == (digest(FIRST), digest(FIRST))
