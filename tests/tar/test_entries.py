"""tar.entries: which entries are whiteouts, and the order of entries in a layer."""

import random

import pytest

from laminix.tar.entries import is_whiteout, layer_order


@pytest.mark.parametrize("path", [b".wh.x", b"a/b/.wh.x", b"a/.wh..wh..opq", b".wh."])
def test_is_a_whiteout(path):
    assert is_whiteout(path)


@pytest.mark.parametrize("path", [b"x", b"a/x.wh.y", b".wh.a/x", b".WH.x", b".wh", b""])
def test_is_no_whiteout(path):
    assert not is_whiteout(path)


def test_a_directory_is_followed_by_its_files_whiteouts_first():
    ordered = [b".wh.z", b"a", b"a/.wh..wh..opq", b"a/.wh.z", b"a/\x01", b"a/b", b"a-b", b"b", b"\xff"]
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=layer_order) == ordered
