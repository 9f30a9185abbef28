"""store.references: the store paths of a closure that files mention; and mk-layer --scan, which packs only those."""

import json
import os

import pytest

from laminix.store import references
from laminix.store.closure import StorePath
from laminix.store.references import find_mentioned, hashes


def path(letter, name):
    return f"/nix/store/{letter * 32}-{name}"


GLIBC, HELLO, TOOL = path("a", "glibc"), path("b", "hello"), path("c", "tool")
CLOSURE = (StorePath(GLIBC, (GLIBC,), 1), StorePath(HELLO, (GLIBC,), 1), StorePath(TOOL, (HELLO,), 1))


def found(*places):
    return [item.path for item in find_mentioned(CLOSURE, map(str, places))]


def test_in_a_file_with_what_it_refers_to(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/script").write_bytes(b"\0\xff exec %s/bin/hello" % HELLO.encode())
    assert found(tmp_path) == [GLIBC, HELLO]


def test_in_the_target_of_a_link_and_what_that_refers_to_in_turn(tmp_path):
    (tmp_path / "link").symlink_to(f"{TOOL}/bin/tool")
    assert found(tmp_path) == [GLIBC, HELLO, TOOL]


def test_in_a_single_file(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"Cmd": [f"{HELLO}/bin/hello"]}))
    assert found(tmp_path / "config.json") == [GLIBC, HELLO]


def test_nothing(tmp_path):
    (tmp_path / "file").write_text("/nix/store/" + "b" * 31)
    os.mkfifo(tmp_path / "fifo")
    assert found(tmp_path) == []


@pytest.mark.parametrize("before", range(references.CHUNK_SIZE - 33, references.CHUNK_SIZE + 2))
def test_across_the_chunks_of_a_big_file(tmp_path, before):
    (tmp_path / "big").write_bytes(b"-" * before + b"b" * 32)
    assert found(tmp_path) == [GLIBC, HELLO]


def test_with_other_letters_around():
    assert hashes(b"xyz" + b"b" * 32 + b"0123", {b"b" * 32, b"c" * 32}) == {b"b" * 32}


def test_mk_layer_packs_what_a_tree_mentions(builder, tmp_path):
    store = tmp_path / "nix/store"
    paths = [store / os.path.basename(each) for each in (GLIBC, HELLO, TOOL)]
    for each in paths:
        each.mkdir(parents=True)
    references = {str(each): [str(paths[0])] for each in paths}
    closure = [{"path": key, "narSize": 1, "references": value} for key, value in references.items()]
    (tmp_path / "closure.json").write_text(json.dumps(closure))
    (tmp_path / "root").mkdir()
    (tmp_path / "root/hello").symlink_to(paths[1] / "bin/hello")
    arguments = ["--copy", tmp_path / "root", "--scan", tmp_path / "root"]
    ran = builder("mk-layer", *arguments, "--closure", tmp_path / "closure.json", "--out", tmp_path / "layer")
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "layer/layer.json").read_text())["storePaths"] == list(map(str, paths[:2]))
