"""What an image says reaches no terminal unescaped, and no message is endless."""

import json

import pytest

from error_line import error_line
from file_trees import tar, write_tar
from image_forms import Image, digest, encode, nixpkgs, oci_image, oci_layout, plain
from laminix.errors import MAX_LINE, LaminixError, one_line, printable
from laminix.table import aligned

# C0 and C1 controls, DEL, bidirectional marks, line separators, a private character, a byte that is not UTF-8.
STEERING = "\x00\x07\x1b[2J\x7f\x85\x9b31m\u200e\u202e\u2066\u2028\ufeff\ue000\U000e0001\udc9b"


def test_one_line_escapes_and_cuts():
    assert one_line(f"a{STEERING}b\nc").isprintable()
    long = one_line("start" + "\x1b" * 3_000_000 + "end")
    assert len(long) == MAX_LINE and long.startswith("start") and long.endswith("end") and long.isprintable()


def test_an_error_is_cut():
    line = str(LaminixError("what", "x" * 3_000_000, "the/path"))
    assert len(line) == MAX_LINE and line.startswith("what: xxx") and line.endswith("xxx (the/path)")


@pytest.mark.parametrize("value", [{"a": STEERING[:-1]}, {STEERING[:-1]: ["é", "\U0001f600"]}])
def test_printable_json_has_the_same_values(value):
    text = json.dumps(value, ensure_ascii=False)
    assert printable(text).isprintable() and json.loads(printable(text)) == value


def test_printable_keeps_lines():
    assert printable("a\nb\tc\n") == "a\nb\\u0009c\n"


def test_a_table_is_escaped():
    lines = aligned([("A", "B"), (STEERING, "y" * 3_000_000)], ()).splitlines()
    assert len(lines) == 2 and all(line.isprintable() and len(line) < 2 * MAX_LINE for line in lines)


@pytest.fixture
def layout(tmp_path):
    """An image whose media type, history and layer names have characters that steer terminals."""
    image = Image((tar({"a": b"1"}),), {}, history=({"created_by": f"run {STEERING[:-1]}"},))
    descriptor, blobs = oci_image(image, plain)
    members = oci_layout(image)
    [name] = [name for name, data in blobs.items() if b'"schemaVersion"' in data]
    manifest = json.loads(members.pop(name))
    manifest["layers"][0]["mediaType"] += f"+{STEERING[:-1]}"
    _, index = _with_manifest(members, encode(manifest))
    return write_tar(str(tmp_path / "image.tar"), {**members, "index.json": index})


def _with_manifest(members, manifest):
    members[f"blobs/sha256/{digest(manifest)[7:]}"] = manifest
    index = json.loads(members["index.json"])
    index["manifests"][0] |= {"digest": digest(manifest), "size": len(manifest)}
    return members, encode(index)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_list_layers_prints_no_character_that_steers(builder, layout, options):
    done = builder("list-layers", layout, *options, text=False)
    assert done.returncode == 0
    assert done.stdout.decode().replace("\n", "").isprintable()


def test_bytes_that_are_utf8_together_are_escaped():
    assert printable("\udcc2\udc9b31m") == "\\u009b31m"
    assert printable("\udc9b31m\x07") == "\udc9b31m\\u0007"


def test_the_json_keeps_its_values(builder, layout):
    [layer] = json.loads(builder("list-layers", layout, "--json").stdout)
    assert layer["history"]["created_by"] == f"run {STEERING[:-1]}"


def test_a_message_of_megabytes_is_cut(builder, tmp_path):
    members = nixpkgs(Image((tar({"a": b"1"}),), {}))
    members["manifest.json"] = encode([{"Config": "\x1b" + "x" * 2_000_000, "Layers": []}])
    line = error_line(builder("list-layers", write_tar(str(tmp_path / "image"), members)), "list-layers")
    assert "'\\\\x1bxxx" in line or "'\\x1bxxx" in line
    assert len(line) <= MAX_LINE
