"""list-layers: the layers of an image in any form, as JSON or as a table."""

import gzip
import json
import os
import tarfile
from pathlib import Path

import pytest

from file_trees import tar, write_directory, write_tar
from image_forms import Image, docker_oci, docker_v1_1, encode, gzipped, nixpkgs, oci_index, oci_layout, sha256

LAYERS = (tar({"a": b"x" * 5_000_000}), tar({"b": b"2"}))
STEPS = ({"created_by": "step 0"}, {"created_by": "ENV A=b", "empty_layer": True}, {"created_by": "step 1"})
IMAGE = Image(LAYERS, history=STEPS)
OTHER = Image((tar({"c": b"3"}),), name="other", tag="v2")


@pytest.fixture
def archive(tmp_path):
    """``archive(members)``: the path of an archive with MEMBERS."""
    return lambda members: write_tar(str(tmp_path / "archive.tar"), members)


@pytest.fixture
def listed(builder):
    """``listed(…)``: the array that list-layers --json prints."""

    def run(*argv, **how):
        done = builder("list-layers", "--json", *argv, **how)
        assert (done.returncode, done.stderr) == (0, "" if how.get("text", True) else b"")
        return json.loads(done.stdout)

    return run


def test_json_says_all_of_a_layer(listed, archive):
    path = archive(oci_layout(IMAGE, gzipped))
    blobs = [gzipped(layer)[1] for layer in LAYERS]
    assert listed(path) == [
        {
            "index": index,
            "diffID": IMAGE.diff_ids[index],
            "digest": f"sha256:{sha256(blob)}",
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "size": len(blob),
            "location": f"{path}!blobs/sha256/{sha256(blob)}",
            "history": {"created_by": f"step {index}"},
        }
        for index, blob in enumerate(blobs)
    ]


def test_digest_is_null_where_only_the_bytes_would_tell(listed, archive):
    assert [layer["digest"] for layer in listed(archive(nixpkgs(IMAGE, gzipped)))] == [None, None]


def test_history_is_null_where_it_does_not_fit(listed, archive):
    untold = Image(LAYERS, history=STEPS[:2])
    assert [layer["history"] for layer in listed(archive(oci_layout(untold)))] == [None, None]


def test_location_in_a_directory_is_a_path(listed, tmp_path):
    directory = write_directory(str(tmp_path / "layout"), oci_layout(IMAGE))
    paths = [layer["location"] for layer in listed(directory)]
    assert [Path(path).read_bytes() for path in paths] == list(LAYERS)


def test_table_lines_up(builder, archive):
    done = builder("list-layers", archive(docker_oci(IMAGE)))
    assert (done.returncode, done.stderr) == (0, "")
    short = [diff_id[7:19] for diff_id in IMAGE.diff_ids]
    assert done.stdout == (
        "LAYER      SIZE  DIFF ID       COMPRESSION  CREATED BY\n"
        f"    0   4.8 MiB  {short[0]}  none         step 0\n"
        f"    1  10.0 KiB  {short[1]}  none         step 1\n"
    )


def test_table_without_a_history(builder, archive):
    done = builder("list-layers", archive(docker_oci(Image(LAYERS, history=()))))
    assert [len(line.split()) for line in done.stdout.splitlines()] == [7, 5, 5]


def test_table_is_safe_to_print(builder, archive):
    evil = Image(LAYERS[1:], history=({"created_by": "\x1b[2J\n" + "long " * 99},))
    [_, row] = builder("list-layers", archive(oci_layout(evil))).stdout.splitlines()
    assert r"\x1b[2J\n" in row and row.isprintable()


@pytest.mark.parametrize("whole", (bytes, gzip.compress), ids=("plain", "gzip"))
def test_reads_standard_input(builder, whole):
    data = whole(tar(nixpkgs(IMAGE)))
    done = builder("list-layers", "--json", "-", input=data, text=False)
    layers = json.loads(done.stdout)
    assert [layer["diffID"] for layer in layers] == IMAGE.diff_ids
    assert layers[0]["location"] == f"-!{sha256(LAYERS[0])}/layer.tar"


def test_reads_standard_input_that_is_a_file(builder, archive):
    with open(archive(nixpkgs(IMAGE)), "rb") as file:
        done = builder("list-layers", "--json", "-", stdin=file)
    assert [layer["diffID"] for layer in json.loads(done.stdout)] == IMAGE.diff_ids


def test_chooses_image_and_platform(listed, archive, tmp_path):
    both = archive(docker_v1_1(IMAGE, OTHER))
    assert [layer["diffID"] for layer in listed(both, "--image", "other:v2")] == OTHER.diff_ids
    platforms = [Image(LAYERS[:1], architecture="arm"), Image(LAYERS[1:], architecture="s390x")]
    index = write_tar(str(tmp_path / "index"), oci_index(platforms))
    assert [layer["diffID"] for layer in listed(index, "--platform", "linux/s390x")] == IMAGE.diff_ids[1:]


@pytest.mark.parametrize(
    "argv, status, why",
    [
        ([], 1, "cannot select an image: several images; choose one with --image: parent:v1, other:v2"),
        (["--platform", "amd64"], 2, "bad platform: found 'amd64', expected OS/ARCH or OS/ARCH/VARIANT"),
        (["--platform", "linux/x86_64"], 2, "unknown architecture 'x86_64', expected a GOARCH such as amd64"),
    ],
)
@pytest.mark.parametrize("form", ([], ["--json"]), ids=("table", "json"))
def test_error_is_one_line(builder, archive, argv, status, why, form):
    done = builder("list-layers", archive(docker_v1_1(IMAGE, OTHER)), *argv, *form)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert done.stderr.startswith("list-layers: error: ") and why in done.stderr


def test_wrong_usage_is_another_status(builder):
    done = builder("list-layers")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_as_a_derivations_builder(builder, archive, tmp_path):
    path = archive(oci_layout(IMAGE))
    request = {"IMAGE": path, "json": True, "platform": None}
    (tmp_path / "attrs.json").write_text(json.dumps({"request": request, "outputs": {"out": str(tmp_path / "out")}}))
    done = builder("list-layers", env={**os.environ, "NIX_ATTRS_JSON_FILE": str(tmp_path / "attrs.json")})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [layer["diffID"] for layer in json.loads((tmp_path / "out").read_bytes())] == IMAGE.diff_ids


def test_reads_no_layers(builder, tmp_path):
    """Of 64 GiB, which are on no disk, next to nothing is read: reading it all would take minutes."""
    config = encode({"rootfs": {"diff_ids": [f"sha256:{'0' * 64}"]}})
    manifest = encode([{"Config": "config", "Layers": ["layer"]}])
    head = tar({"manifest.json": manifest, "config": config, "layer": b""})
    member = tarfile.TarInfo("layer")
    member.size = 64 << 30
    with open(tmp_path / "huge", "wb") as file:
        file.write(head[: head.index(b"layer\0")] + member.tobuf(tarfile.PAX_FORMAT))
        file.truncate(file.tell() + member.size + 1024)
    done = builder("list-layers", tmp_path / "huge", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "64.0 GiB" in done.stdout
