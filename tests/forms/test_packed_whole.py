"""What pack-image writes is whole, or it fails: configs named by another digest, layers compressed with xz."""

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


def with_manifest(change):
    """A layout of IMAGE whose manifest is CHANGEd, with its members."""
    members = oci_layout(IMAGE)
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
