"""Directories whose owner and mode are explicit: marked by a PAX comment, which every other reader ignores."""

import io
import json
import subprocess
import tarfile

import pytest

import layer_notation
from file_trees import DIRECTORY, write_directory
from laminix.tar.entries import EXPLICIT
from laminix.tar.reader import read

COMMENT = EXPLICIT.decode()


def marked(data):
    """The paths of the members that carry the comment."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [member.name for member in tar if member.pax_headers.get("comment") == COMMENT]


def test_the_mark_is_written_and_read():
    [data] = layer_notation.layers("{a/ 0700 !, b/}")
    assert marked(data) == ["a"]
    assert [(entry.path, entry.explicit) for entry, _ in read(io.BytesIO(data))] == [(b"a", True), (b"b", False)]


def test_a_comment_on_the_whole_archive_is_not_reported():
    archive, reports = io.BytesIO(), []
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": COMMENT}) as tar:
        tar.addfile(tarfile.TarInfo("f"))
    archive.seek(0)
    assert [entry.path for entry, _ in read(archive, report=reports.append)] == [b"f"]
    assert reports == []


RULES = {
    "path": ({"path": "etc", "mode": "0755"}, ["etc"]),
    "glob": ({"glob": "etc/**", "uid": 5}, ["etc/d"]),
    "file": ({"path": "etc/f", "mode": "0600"}, []),
    "capabilities of files": ({"glob": "etc/**", "capabilities": "cap_net_raw=ep"}, []),
}


@pytest.mark.parametrize(("rule", "expected"), RULES.values(), ids=RULES)
def test_a_permission_rule_makes_directories_explicit(builder, tmp_path, rule, expected):
    tree = write_directory(tmp_path / "tree", {"etc": DIRECTORY, "etc/d": DIRECTORY, "etc/f": b"f"})
    perms = tmp_path / "perms.json"
    perms.write_text(json.dumps([rule]))
    done = builder("mk-layer", "--copy", tree, "--perms", perms, "--uid", 9, "--out", tmp_path / "layer")
    assert done.stderr == ""
    assert marked((tmp_path / "layer/layer.tar").read_bytes()) == expected


@pytest.mark.parametrize("program", ["tar", "bsdtar", "busybox"])
def test_other_readers_ignore_the_mark(need, program, tmp_path):
    need(program)
    [data] = layer_notation.layers("{a/ 0711 !, a/f}")
    command = [program, "tar"] if program == "busybox" else [program]
    done = subprocess.run([*command, "xf", "-", "-C", tmp_path], input=data, capture_output=True, check=True)
    assert done.stderr == b""
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o711
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "f"]
