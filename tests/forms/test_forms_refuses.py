"""What is no image, or no sound one: told in one line that says where and why."""

import bz2
import gzip
import json
import os
import sys
import tarfile

import pytest

from file_trees import DIRECTORY, HardLink, Link, tar, write_directory, write_tar
from image_forms import (
    Image,
    digest,
    dir_transport,
    docker_oci,
    docker_v1,
    docker_v1_1,
    encode,
    gzipped,
    nixpkgs,
    oci_index,
    oci_layout,
    sha256,
    zstandard,
)
from laminix.errors import LaminixError
from laminix.forms import members as image_members
from laminix.forms import open_image
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks

IMAGE = Image((tar({"a": b"1"}), tar({"b": b"2"})), {"Env": ["A=b"]})
OTHER = Image((tar({"c": b"3"}),), name="other", tag="v2")
FIRST = f"{sha256(IMAGE.layers[0])}/layer.tar"  # the base layer in nixpkgs' archives
BLOB = f"blobs/sha256/{sha256(IMAGE.layers[0])}"  # and in a layout
CONFIG = f"{sha256(IMAGE.config())}.json"


@pytest.fixture
def refusal(tmp_path):
    """``refusal(members, …)``: the one line that is said of an archive with MEMBERS, less its place."""

    def said(members, *how):
        path = write_tar(str(tmp_path / "archive"), members) if isinstance(members, dict) else members
        with pytest.raises(LaminixError) as caught:
            read_all(open_image(str(path), *how))
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(str(tmp_path), "")

    return said


def read_all(image):
    """Read all bytes of an image, which checks them."""
    for layer in image.layers:
        for chunks in (checked_chunks(layer, diff_id_too=True), uncompressed_chunks(layer)):
            for _ in chunks:
                pass


def documents(members, name, change):
    """MEMBERS with the document NAME changed."""
    value = json.loads(members[name])
    return {**members, name: encode(change(value))}


def without(members, *names):
    return {name: content for name, content in members.items() if name not in names}


# Files that are no image.


def test_nothing_there(refusal, tmp_path):
    assert refusal(tmp_path / "nowhere") == "bad image: no such file or directory (/nowhere)"


def test_empty_file(refusal, tmp_path):
    (tmp_path / "empty").touch()
    assert refusal(tmp_path / "empty") == "bad image: file is empty (/empty)"


def test_empty_compressed_file(refusal, tmp_path):
    (tmp_path / "empty").write_bytes(gzip.compress(b""))
    assert refusal(tmp_path / "empty") == "bad image: file is empty (/empty)"


def test_fifo_is_not_opened(refusal, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "found a FIFO, expected a file or a directory; use '-' to read from a pipe (/fifo)" in refusal(
        tmp_path / "fifo"
    )


def test_fifo_within_a_directory_is_not_opened(refusal, tmp_path):
    os.mkfifo(tmp_path / "index.json")
    assert "bad image: 'index.json' is a FIFO, expected a regular file" in refusal(tmp_path)


def test_text(refusal, tmp_path):
    (tmp_path / "text").write_text("This is no image. " * 100)
    assert refusal(tmp_path / "text") == (
        "bad image: not a tar archive: expected a header with a valid checksum at the start (/text)"
    )


@pytest.mark.parametrize("members", ({}, {"a": b"b"}, {"manifest.json": DIRECTORY}))
def test_archive_of_something_else(refusal, members):
    why = "not an image: expected a member index.json, manifest.json or repositories"
    assert refusal(members) == f"bad image: {why} (/archive)"


@pytest.mark.parametrize("length", (100, 512, 600, 2000))
def test_truncated_archive(refusal, tmp_path, length):
    (tmp_path / "short").write_bytes(tar(nixpkgs(IMAGE))[:length])
    assert "truncated" in refusal(tmp_path / "short")


def test_gzip_that_ends_early(refusal, tmp_path):
    (tmp_path / "short").write_bytes(gzip.compress(tar(nixpkgs(IMAGE)))[:-20])
    assert refusal(tmp_path / "short") == "bad gzip data: data is truncated (/short)"


def test_damaged_gzip(refusal, tmp_path):
    data = bytearray(gzip.compress(tar(nixpkgs(IMAGE))))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "damaged").write_bytes(data)
    assert refusal(tmp_path / "damaged").startswith("bad gzip data: data is damaged")


# Names and links.


@pytest.mark.parametrize(
    "name, why",
    [
        ("../up", "expected one without '..'"),
        ("a/../../up", "expected one without '..'"),
        ("/abs", "expected a relative one"),
    ],
)
def test_member_name_that_leads_out(refusal, tmp_path, name, why):
    assert why in refusal({**nixpkgs(IMAGE), name: b""})


@pytest.mark.parametrize("name", ("../up", "/abs", f"../{FIRST}"))
def test_document_that_names_what_is_outside(refusal, name):
    members = documents(nixpkgs(IMAGE), "manifest.json", lambda entries: [{**entries[0], "Layers": [name] * 2}])
    assert f"path '{name}' points outside the image" in refusal(members)


@pytest.mark.parametrize("target", ("/etc/passwd", "../../etc/passwd", "../.."))
def test_link_out_of_the_archive(refusal, target):
    why = f"points outside the archive: '{target}'"
    assert why in refusal({**without(nixpkgs(IMAGE), FIRST), FIRST: Link(target)})


@pytest.mark.parametrize("link, target", [(Link, "../two"), (HardLink, "two")])
def test_links_in_a_circle(refusal, link, target):
    members = {**without(nixpkgs(IMAGE), FIRST), FIRST: link(target), "two": Link(FIRST)}
    assert f"link loop: '{FIRST}' leads to more than 40 links" in refusal(members)


def test_link_to_nothing(refusal):
    members = {**without(nixpkgs(IMAGE), FIRST), FIRST: Link("nothing")}
    assert f"layer '{FIRST}' of manifest.json is missing" in refusal(members)


# Docker's archives.


@pytest.mark.parametrize(
    "document, why",
    [
        (b"null", "bad manifest: found null, expected a list"),
        (b"[]", "bad manifest: found an empty list, expected an image"),
        (b'"x"', "bad manifest: found a string, expected a list"),
        (b"[1]", "bad manifest: [0]: found a whole number, expected an object"),
        (b"[{}]", "bad manifest: [0]: the key 'Config' is missing"),
        (b'[{"Config":1}]', "bad manifest: [0].Config: found a whole number, expected a string"),
        (b'[{"Config":"x"}]', "bad image: member 'x' is missing"),
        (b'[{"Config":"x","Layers":"y"}]', "bad manifest: [0].Layers: found a string, expected a list"),
        (b'[{"Config":"x","Layers":[1]}]', "bad manifest: [0].Layers[0]: found a whole number"),
        (b'[{"Config":"x","Layers":[],"RepoTags":"a"}]', "[0].RepoTags: found a string, expected a list"),
        (b'[{"Config":"x","Layers":[]}]', "bad image: member 'x' is missing"),
        (b"[{]", "bad manifest: not JSON: "),
        (b"", "bad manifest: not JSON: "),
    ],
)
def test_manifest_json_of_a_wrong_shape(refusal, document, why):
    assert why in refusal({**nixpkgs(IMAGE), "manifest.json": document})


@pytest.mark.parametrize(
    "document, why",
    [
        (b"[]", "found a list, expected an object"),
        (b"{}", "config and manifest disagree: 0 diff IDs, 2 layers"),
        (b'{"rootfs":{"diff_ids":[1]}}', "rootfs.diff_ids[0]: found a whole number, expected a string"),
        (b'{"rootfs":{"diff_ids":["sha256:0"]}}', "rootfs.diff_ids[0]: found 'sha256:0', expected a digest"),
        (b'{"rootfs":{"diff_ids":[]}}', "config and manifest disagree: 0 diff IDs, 2 layers"),
        (b'{"rootfs":{"diff_ids":[]},"os":1}', "os: found a whole number, expected a string"),
    ],
)
def test_config_of_a_wrong_shape(refusal, document, why):
    assert why in refusal({**nixpkgs(IMAGE), CONFIG: document})


def test_manifest_that_names_a_missing_layer(refusal):
    line = f"bad image: layer '{FIRST}' of manifest.json is missing (/archive)"
    assert refusal(without(nixpkgs(IMAGE), FIRST)) == line


@pytest.mark.parametrize("compression", (gzipped, zstandard))
def test_layer_that_is_another(refusal, compression):
    members = nixpkgs(IMAGE, compression)
    name = f"{sha256(compression(IMAGE.layers[0])[1])}/layer.tar"
    line = refusal({**members, name: compression(OTHER.layers[0])[1]})
    found, expected = OTHER.diff_ids[0], IMAGE.diff_ids[0]
    assert line == f"bad layer: its diff ID is {found}, expected {expected} (/archive!{name})"


def test_plain_layer_that_is_another(refusal):
    line = refusal({**nixpkgs(IMAGE), FIRST: OTHER.layers[0]})
    assert line == f"bad layer: its digest is {OTHER.diff_ids[0]}, expected {IMAGE.diff_ids[0]} (/archive!{FIRST})"


def test_layer_whose_gzip_ends_early(refusal):
    name = f"{sha256(gzipped(IMAGE.layers[0])[1])}/layer.tar"
    members = nixpkgs(IMAGE, gzipped)
    assert refusal({**members, name: members[name][:-9]}) == (f"bad gzip data: data is truncated (/archive!{name})")


def test_layer_that_is_compressed_as_none_is(refusal):
    line = refusal({**nixpkgs(IMAGE), FIRST: bz2.compress(IMAGE.layers[0])})
    assert line == f"bad layer: found bzip2, expected none, gzip, zstd (/archive!{FIRST})"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has a zstd of its own")
def test_zstd_layer_without_a_zstd(refusal, monkeypatch):
    members = nixpkgs(IMAGE, zstandard)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "cannot read zstd data: found no zstd" in refusal(members)


@pytest.mark.parametrize(
    "wanted, why",
    [
        (None, "several images; choose one with --image: parent:v1, other:v2"),
        ("third", "no image 'third'; found parent:v1, other:v2"),
        ("parent:v2", "no image 'parent:v2'; found parent:v1, other:v2"),
    ],
)
def test_ambiguous_image(refusal, wanted, why):
    assert refusal(docker_v1_1(IMAGE, OTHER), wanted) == f"cannot select an image: {why} (/archive)"


def test_images_that_nothing_tells_apart(refusal):
    def unnamed(entries):
        return [{**entry, "RepoTags": None} for entry in entries]

    line = refusal(documents(docker_v1_1(IMAGE, OTHER), "manifest.json", unnamed))
    assert "2 images have the same name and platform" in line


# Before Docker 1.10.


def chain(parents):
    """An archive of layers by ID, each with its parent, whose top is ``top``."""
    members = {"repositories": encode({"old": {"1": "top"}})}
    for layer, parent in parents.items():
        link = {} if parent is None else {"parent": parent}
        members |= {f"{layer}/json": encode({"id": layer, **link}), f"{layer}/layer.tar": IMAGE.layers[0]}
    return members


@pytest.mark.parametrize(
    "parents", ({"top": "top"}, {"top": "a", "a": "top"}, {"top": "a", "a": "b", "b": "a"}), ids=str
)
def test_parents_in_a_circle(refusal, parents):
    assert "is its own ancestor" in refusal(chain(parents))


def test_missing_parent(refusal):
    assert "layer is missing: expected a member 'gone/json'" in refusal(chain({"top": "gone"}))


def test_missing_layer_of_a_parent(refusal):
    line = refusal(without(chain({"top": "a", "a": None}), "a/layer.tar"))
    assert line == "bad image: layer 'a/layer.tar' is missing (/archive)"


def test_parent_outside(refusal):
    assert "points outside the image" in refusal(chain({"top": "../up"}))


@pytest.mark.parametrize(
    "document, why",
    [
        (b"null", "bad repositories: found null, expected an object"),
        (b"{}", "bad repositories: found no image, expected a name and a tag"),
        (b'{"a":1}', "bad repositories: a: found a whole number, expected an object"),
        (b'{"a":{"b":1}}', "bad repositories: a.b: found a whole number, expected a string"),
    ],
)
def test_repositories_of_a_wrong_shape(refusal, document, why):
    assert why in refusal({**docker_v1(IMAGE), "repositories": document})


@pytest.mark.parametrize(
    "document, why",
    [
        ([], "found a list, expected an object"),
        ({"parent": 1}, "parent: found a whole number, expected a string"),
        ({"config": []}, "config: found a list, expected an object"),
        ({"container_config": {"Cmd": "x"}}, "container_config.Cmd: found a string, expected a list"),
        ({"architecture": 1}, "architecture: found a whole number, expected a string"),
    ],
)
def test_layer_json_of_a_wrong_shape(refusal, document, why):
    assert f"bad layer json: {why}" in refusal({**chain({"top": None}), "top/json": encode(document)})


# OCI layouts.


@pytest.mark.parametrize(
    "document, why",
    [
        (b"null", "bad index: found null, expected an object"),
        (b"{}", "bad index: the key 'schemaVersion' is missing"),
        (b'{"schemaVersion":2}', "bad image: the index is empty"),
        (b'{"schemaVersion":2,"manifests":[]}', "bad image: the index is empty"),
        (b'{"schemaVersion":2,"manifests":[{}]}', "bad index: manifests[0]: the key 'mediaType' is missing"),
        (b'{"schemaVersion":1,"manifests":[]}', "bad index: schemaVersion: found 1, an obsolete schema"),
    ],
)
def test_index_of_a_wrong_shape(refusal, document, why):
    assert why in refusal({**oci_layout(IMAGE), "index.json": document})


@pytest.mark.parametrize("document, why", [(b"[]", "found a list"), (b'{"imageLayoutVersion":"2.0"}', "found '2.0'")])
def test_layout_of_another_version(refusal, document, why):
    assert why in refusal({**oci_layout(IMAGE), "oci-layout": document})


def test_missing_blob(refusal):
    assert refusal(without(oci_layout(IMAGE), BLOB)) == (
        f"bad image: layer {IMAGE.diff_ids[0]} of the manifest is missing (/archive)"
    )


@pytest.mark.parametrize("name", ("config", "manifest"))
def test_missing_document(refusal, name):
    members = oci_layout(IMAGE)
    assert "is missing" in refusal(without(members, document_name(members, name)))


def document_name(members, which):
    """The blob that is a layout's one manifest, or its config."""
    [entry] = json.loads(members["index.json"])["manifests"]
    manifest = f"blobs/sha256/{entry['digest'][7:]}"
    return manifest if which == "manifest" else f"blobs/sha256/{json.loads(members[manifest])['config']['digest'][7:]}"


@pytest.mark.parametrize("name", ("config", "manifest"))
@pytest.mark.parametrize("change, why", [(b"X", "its digest is"), (b"", "its descriptor says")])
def test_document_that_is_another(refusal, name, change, why):
    members = oci_layout(IMAGE)
    blob = document_name(members, name)
    line = refusal({**members, blob: change + members[blob][1:]})
    assert line.startswith(f"bad {name}: ") and why in line and line.endswith(f"(/archive!{blob})")


def test_layer_of_another_size(refusal):
    line = refusal({**oci_layout(IMAGE), BLOB: IMAGE.layers[0] + bytes(512)})
    size = len(IMAGE.layers[0])
    assert line == f"bad layer: it has {size + 512} bytes, the manifest says {size} (/archive!{BLOB})"


def test_layer_with_another_digest(refusal):
    line = refusal({**oci_layout(IMAGE), BLOB: OTHER.layers[0]})
    assert line == f"bad layer: its digest is {OTHER.diff_ids[0]}, expected {IMAGE.diff_ids[0]} (/archive!{BLOB})"


def test_layer_with_another_diff_id(refusal):
    strange = Image(IMAGE.layers, more={"rootfs": {"diff_ids": [OTHER.diff_ids[0], IMAGE.diff_ids[1]]}})
    line = refusal(oci_layout(strange, gzipped))
    assert f"its diff ID is {IMAGE.diff_ids[0]}, expected {OTHER.diff_ids[0]}" in line


def layout_of(descriptors, blobs):
    return {"index.json": encode({"schemaVersion": 2, "manifests": descriptors}), **blobs}


def index_entry(data, media_type="application/vnd.oci.image.index.v1+json"):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def test_index_that_holds_itself(refusal):
    entry = index_entry(b"")
    index = encode({"schemaVersion": 2, "manifests": [entry]})
    line = refusal(layout_of([entry], {f"blobs/sha256/{entry['digest'][7:]}": index}))
    assert line == f"bad index: index contains itself: {entry['digest']} (/archive)"


def test_indexes_that_hold_each_other(refusal):
    one, other = index_entry(b"1"), index_entry(b"2")
    blobs = {
        f"blobs/sha256/{one['digest'][7:]}": encode({"schemaVersion": 2, "manifests": [other]}),
        f"blobs/sha256/{other['digest'][7:]}": encode({"schemaVersion": 2, "manifests": [one]}),
    }
    assert "bad index: index contains itself" in refusal(layout_of([one], blobs))


def test_nested_index_that_is_another(refusal):
    members = oci_index([IMAGE])
    [entry] = json.loads(members["index.json"])["manifests"]
    name = f"blobs/sha256/{entry['digest'][7:]}"
    line = refusal({**members, name: members[name].replace(b"linux", b"Linux")})
    assert line.startswith("bad index: its digest is") and line.endswith(f"(/archive!{name})")


def test_artifact_by_its_config(refusal):
    config = b"{}"
    manifest = encode(
        {
            "schemaVersion": 2,
            "config": index_entry(config, "application/vnd.cncf.helm.config.v1+json"),
            "layers": [],
        }
    )
    entry = index_entry(manifest, "application/vnd.oci.image.manifest.v1+json")
    line = refusal(layout_of([entry], {f"blobs/sha256/{sha256(manifest)}": manifest}))
    assert "'application/vnd.cncf.helm.config.v1+json', which is an artifact and not an image" in line


def test_artifact_by_its_type(refusal):
    entry = {
        **index_entry(b"", "application/vnd.oci.image.manifest.v1+json"),
        "artifactType": "application/x",
    }
    assert (
        refusal(layout_of([entry], {})) == "bad image: found an artifact (application/x), expected an image (/archive)"
    )


def on(architecture, number):
    return Image((tar({str(number): b""}),), architecture=architecture)


def test_platform_that_is_not_there(refusal):
    line = refusal(oci_index([on("arm", 1), on("s390x", 2)]), None, "linux/riscv64")
    assert line == (
        "cannot select an image: no image for linux/riscv64; choose one with --platform: "
        "linux/arm, linux/s390x (/archive)"
    )


def test_one_image_on_another_platform_than_the_one_asked_for(refusal):
    line = refusal(oci_layout(on("arm", 1)), None, "linux/amd64")
    assert "no image for linux/amd64; choose one with --platform: linux/arm" in line


def test_platform_that_is_there_twice(refusal):
    line = refusal(oci_index([on("arm", 1), on("arm", 2)]), None, "linux/arm")
    assert "2 images have the same name and platform" in line


# skopeo's dir:.


@pytest.mark.parametrize(
    "document, why",
    [
        (b"{}", "bad manifest: the key 'schemaVersion' is missing"),
        (b'{"schemaVersion":1}', "schemaVersion: found 1, an obsolete schema, expected 2"),
        (b'{"schemaVersion":2,"config":{}}', "config: the key 'mediaType' is missing"),
    ],
)
def test_manifest_of_dir_of_a_wrong_shape(refusal, tmp_path, document, why):
    members = {**dir_transport(IMAGE, gzipped), "manifest.json": document}
    assert why in refusal(write_directory(str(tmp_path / "dir"), members))


def test_hybrid_whose_index_has_other_sizes(refusal):
    members = docker_oci(IMAGE, gzipped)
    entry = {"Config": f"blobs/sha256/{sha256(IMAGE.config())}", "Layers": ["one", "two"]}
    more = {name: gzipped(layer)[1] + bytes(1) for name, layer in zip(("one", "two"), IMAGE.layers)}
    assert "bytes, the manifest says" in refusal({**members, **more, "manifest.json": encode([entry])})


def test_sparse_archive_is_no_memory_bomb(refusal, tmp_path):
    """A manifest.json of a terabyte is refused before it is read."""
    path = tmp_path / "archive"
    with open(path, "wb") as file:
        member = tarfile.TarInfo("manifest.json")
        member.size = 1 << 40
        file.write(member.tobuf(tarfile.PAX_FORMAT))
        file.truncate(file.tell() + member.size + 1024)
    assert "document is too large: 1099511627776 bytes (limit 4194304)" in refusal(path)


def test_documents_have_a_limit_in_total(refusal, monkeypatch):
    monkeypatch.setattr(image_members, "MAX_DOCUMENTS_READ", 500)
    assert "documents are too large in total (limit 500 bytes)" in refusal(oci_layout(IMAGE))


def test_a_compressed_archive_has_a_limit(refusal, tmp_path, monkeypatch):
    """What does not fit is not kept in a temporary file, however small the archive is."""
    monkeypatch.setattr(image_members, "MAX_SPOOLED", 1 << 20)
    (tmp_path / "archive.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    assert "archive is too large: more than 1048576 bytes" in refusal(tmp_path / "archive.gz")
