"""Every form of image, read through the one door: layers in order, with digests, types and places."""

import bz2
import gzip
import json
import lzma
from dataclasses import replace

import pytest

from file_trees import HardLink, Link, tar, write_directory, write_tar
from image_forms import (
    ARCHITECTURE,
    EMPTY_LAYER,
    Image,
    digest,
    dir_transport,
    docker_oci,
    docker_v1,
    docker_v1_1,
    encode,
    gzipped,
    mixed,
    nixpkgs,
    oci_index,
    oci_layout,
    plain,
    sha256,
    with_links,
    zstandard,
)
from laminix.forms import open_image
from laminix.images.layer_bytes import checked_chunks, open_uncompressed

LAYERS = tuple(tar({f"file{number}": b"x" * number}) for number in range(4))
IMAGE = Image(LAYERS, {"Env": ["A=b"]})
FORMS = {
    "docker-1.9": docker_v1,
    "docker-1.10": docker_v1_1,
    "docker-25": docker_oci,
    "docker-25-gzip": lambda image: docker_oci(image, gzipped),
    "nixpkgs": nixpkgs,
    "nixpkgs-gzip": lambda image: nixpkgs(image, gzipped),
    "nixpkgs-zstd": lambda image: nixpkgs(image, zstandard),
    "nixpkgs-mixed": lambda image: nixpkgs(image, mixed),
    "oci": oci_layout,
    "oci-gzip": lambda image: oci_layout(image, gzipped),
    "oci-zstd": lambda image: oci_layout(image, zstandard),
    "dir": dir_transport,
    "dir-gzip": lambda image: dir_transport(image, gzipped),
}


WHOLE = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard(data)[1],
}


@pytest.fixture
def opened(tmp_path):
    """``opened(members, …)``: the image of an archive with MEMBERS."""
    return lambda members, *how: open_image(write_tar(str(tmp_path / "archive"), members), *how)


def stored(image):
    """The bytes of an image's layers as stored, which are checked against what is known of them."""
    return [b"".join(checked_chunks(layer, diff_id_too=True)) for layer in image.layers]


def read_whole(image):
    """The tars of an image's layers."""
    return tuple(open_uncompressed(layer).readall() for layer in image.layers)


@pytest.mark.parametrize("form", FORMS)
def test_reads_the_layers_of_an_archive_in_order(opened, form):
    image = opened(FORMS[form](IMAGE))
    assert [layer.diff_id for layer in image.layers] == IMAGE.diff_ids
    assert read_whole(image) == LAYERS
    assert image.config.runtime == {"Env": ["A=b"]}


@pytest.mark.parametrize("form", FORMS)
def test_reads_the_same_from_a_directory(tmp_path, form):
    image = open_image(write_directory(str(tmp_path / "image"), FORMS[form](IMAGE)))
    assert [layer.diff_id for layer in image.layers] == IMAGE.diff_ids
    assert read_whole(image) == LAYERS
    assert [open(layer.file, "rb").read() for layer in image.layers] == stored(image)


@pytest.mark.parametrize("form", FORMS)
def test_digest_is_that_of_the_stored_bytes_or_unknown(opened, form):
    image = opened(FORMS[form](IMAGE))
    for layer, data in zip(image.layers, stored(image)):
        assert layer.digest in (None, digest(data))
        assert layer.size == len(data)
    unknown = [layer.digest is None for layer in image.layers]
    assert all(unknown) if form in ("nixpkgs-gzip", "nixpkgs-zstd") else form == "nixpkgs-mixed" or not any(unknown)


@pytest.mark.parametrize("compression, suffix", [(plain, ""), (gzipped, "+gzip"), (zstandard, "+zstd")])
@pytest.mark.parametrize("form", (nixpkgs, docker_oci, oci_layout, dir_transport))
def test_media_type_says_the_compression(opened, form, compression, suffix):
    types = {layer.media_type for layer in opened(form(IMAGE, compression)).layers}
    assert types == {f"application/vnd.oci.image.layer.v1.tar{suffix}"}


@pytest.mark.parametrize("compression", WHOLE)
@pytest.mark.parametrize("form", ("docker-1.9", "docker-25", "oci-gzip"))
def test_reads_an_archive_compressed_as_a_whole(tmp_path, form, compression):
    path = tmp_path / "no.name.tells"
    path.write_bytes(WHOLE[compression](tar(FORMS[form](IMAGE))))
    assert read_whole(open_image(str(path))) == LAYERS


@pytest.mark.parametrize("form", FORMS)
def test_name_is_found(opened, form):
    image = opened(FORMS[form](IMAGE))
    if form.startswith("oci"):
        assert [str(reference) for reference in image.references] == ["v1"]
    elif not form.startswith("dir"):
        assert [reference.familiar() for reference in image.references] == ["parent:v1"]


def test_locations_name_archive_and_member(opened, tmp_path):
    image = opened(nixpkgs(IMAGE))
    names = [f"{tmp_path}/archive!{sha256(layer)}/layer.tar" for layer in LAYERS]
    assert [layer.location for layer in image.layers] == names


def test_one_layer_twice_is_two_layers(opened):
    twice = replace(IMAGE, layers=(LAYERS[0], LAYERS[1], LAYERS[0]))
    for form in (nixpkgs, docker_v1, docker_oci, oci_layout):
        assert read_whole(opened(form(twice))) == twice.layers


@pytest.mark.parametrize("link", (Link, HardLink))
def test_layer_may_be_a_link_to_another_member(opened, link):
    twice = replace(IMAGE, layers=(LAYERS[0], LAYERS[1], LAYERS[0]))
    assert read_whole(opened(with_links(twice, link))) == twice.layers


def test_links_to_links_are_followed(opened):
    members = nixpkgs(IMAGE)
    name = f"{sha256(LAYERS[0])}/layer.tar"
    members["deep/er/blob"], members["middle"], members[name] = (
        members[name],
        Link("deep/er/blob"),
        Link("../middle"),
    )
    assert read_whole(opened(members)) == LAYERS


def test_member_names_may_start_with_a_dot(opened):
    assert read_whole(opened({f"./{name}": data for name, data in nixpkgs(IMAGE).items()})) == LAYERS


def test_manifest_goes_before_parent_links(opened):
    other = replace(IMAGE, layers=LAYERS[:1])
    members = {**docker_v1(other), **nixpkgs(IMAGE)}
    assert read_whole(opened(members)) == LAYERS


def test_hybrid_takes_names_from_the_manifest_and_digests_from_the_index(opened):
    members = docker_oci(IMAGE, gzipped)
    entry = {"Config": f"blobs/sha256/{sha256(IMAGE.config())}", "RepoTags": ["other:v2"]}
    # Under names that say no digest.
    entry["Layers"] = [f"layer{number}" for number in range(len(LAYERS))]
    more = {f"layer{number}": gzipped(layer)[1] for number, layer in enumerate(LAYERS)}
    image = opened({**members, **more, "manifest.json": encode([entry])})
    assert [str(reference) for reference in image.references] == ["other:v2"]
    assert [layer.digest for layer in image.layers] == [digest(gzipped(layer)[1]) for layer in LAYERS]


def test_empty_layers_are_layers(opened):
    hollow = replace(IMAGE, layers=(EMPTY_LAYER, bytes(512), b"", LAYERS[1]))
    for form in (docker_v1, nixpkgs, oci_layout):
        image = opened(form(hollow))
        assert [layer.diff_id for layer in image.layers] == hollow.diff_ids
        assert [layer.size for layer in image.layers] == [1024, 512, 0, len(LAYERS[1])]


def test_image_of_many_layers(opened):
    many = Image(tuple(tar({str(number): b""}) for number in range(100)))
    for form in (docker_v1, docker_v1_1, nixpkgs, oci_layout):
        assert [layer.diff_id for layer in opened(form(many)).layers] == many.diff_ids


def test_config_of_before_110_has_a_history_of_all_layers(opened):
    image = opened(docker_v1(IMAGE))
    assert [entry["created_by"] for entry in image.config.history] == [
        f"/bin/sh -c step {number}" for number in range(len(LAYERS))
    ]
    assert (image.config.platform.os, image.config.platform.architecture) == ("linux", ARCHITECTURE)


def test_config_is_kept_as_it_is(opened):
    strange = replace(IMAGE, more={"x-strange": [1, {"a": None}]}, history=())
    for form in (nixpkgs, docker_oci, oci_layout):
        assert opened(form(strange)).config_bytes == strange.config()


# Which image is meant.


OTHER = Image((tar({"other": b""}),), name="example.org/other", tag="v2")
THIRD = replace(OTHER, layers=(LAYERS[3],), tag="latest")


@pytest.mark.parametrize(
    "wanted, meant",
    [
        ("parent", IMAGE),
        ("parent:v1", IMAGE),
        ("docker.io/library/parent:v1", IMAGE),
        ("example.org/other:v2", OTHER),
        ("example.org/other", THIRD),  # several tags, one of them latest
    ],
)
def test_image_is_chosen_by_name(opened, wanted, meant):
    image = opened(docker_v1_1(IMAGE, OTHER, THIRD), wanted)
    assert [layer.diff_id for layer in image.layers] == meant.diff_ids


def on(architecture, *layers):
    return Image(layers, architecture=architecture)


@pytest.mark.parametrize("nested", (False, True))
def test_platform_is_chosen(opened, nested):
    members = oci_index([on("arm", LAYERS[0]), on("s390x", LAYERS[1])], nested=nested)
    assert read_whole(opened(members, None, "linux/s390x")) == (LAYERS[1],)


def test_this_machines_platform_is_the_default(opened):
    members = oci_index([on("mips", LAYERS[0]), on(ARCHITECTURE, LAYERS[1])])
    assert read_whole(opened(members)) == (LAYERS[1],)


def test_one_image_alone_is_taken_whatever_its_platform(opened):
    assert read_whole(opened(oci_index([on("mips", LAYERS[0])]))) == (LAYERS[0],)


def with_platforms(members, *platforms):
    """MEMBERS, a layout with one index below index.json, whose images get these platforms."""
    [outer] = json.loads(members["index.json"])["manifests"]
    inner = json.loads(members["blobs/sha256/" + outer["digest"][7:]])
    for entry, platform in zip(inner["manifests"], platforms, strict=True):
        entry["platform"] = platform
        if platform is None:
            del entry["platform"]
    data = encode(inner)
    descriptor = {**outer, "digest": digest(data), "size": len(data)}
    index = encode({"schemaVersion": 2, "manifests": [descriptor]})
    return {**members, f"blobs/sha256/{sha256(data)}": data, "index.json": index}


ARM64, ARM64_V8 = (
    {"os": "linux", "architecture": "arm64"},
    {"os": "linux", "architecture": "arm64", "variant": "v8"},
)
ARM_V6, ARM_V7 = ({"os": "linux", "architecture": "arm", "variant": variant} for variant in ("v6", "v7"))
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


@pytest.mark.parametrize(
    "platforms, wanted, meant",
    [
        ((ARM64_V8, ARM64), "linux/arm64", 1),  # among equals the one without a variant
        ((ARM64, ARM64_V8), "linux/arm64/v8", 0),
        ((ARM_V6, ARM_V7), "linux/arm/v7", 1),
        ((ARM64, ARM_V7), "linux/arm", 1),  # the only one of the family
        ((UNKNOWN, ARM64), None, 1),  # an attestation beside the image
        ((None, ARM64), "linux/amd64", 0),  # what the index leaves out stands in the config
    ],
)
def test_variants(opened, platforms, wanted, meant):
    members = oci_index([on("amd64", LAYERS[0]), on("arm64", LAYERS[1])])
    image = opened(with_platforms(members, *platforms), None, wanted)
    assert read_whole(image) == (LAYERS[meant],)
