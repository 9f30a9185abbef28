"""Trees a thousand levels deep and more: no function recurses over paths."""

import io
import os

import pytest

from laminix.directory_trees import remove_tree, walk
from laminix.errors import LaminixError
from laminix.forms.members import DirectoryMembers
from laminix.layers.fakeroot import _walk
from laminix.layers.joined_tree import joined, read_copies, read_links, write_tree
from laminix.layers.layer_tree import layer_tree
from laminix.layers.tree_walk import _has_removed_below, _has_sources
from laminix.merge import merged_tree
from laminix.merge.merged_tree import MergedTree
from laminix.store.nar import nar
from laminix.store.nar_reader import nar_nodes
from laminix.store.references import _texts
from laminix.tar.reader import LONGEST_PATH, read
from raw_tar import END, member, pax

DEPTH = 1100  # more than Python recurses


@pytest.fixture
def deep(tmp_path):
    """A directory with a file DEPTH levels below it."""
    top = tmp_path / "deep"
    for level in range(DEPTH + 1):  # os.makedirs recurses
        os.mkdir(f"{top}{'/d' * level}")
    with open(f"{top}{'/d' * DEPTH}/file", "w") as file:
        file.write("content")
    yield str(top)
    remove_tree(top)


def test_walk(deep):
    assert sum(1 for _ in walk(os.fsencode(deep))) == DEPTH + 1


def test_walk_lists_a_directory_before_its_contents_in_order(tmp_path):
    for name in ("b/x", "a/y", "a.txt/z"):
        (tmp_path / name).mkdir(parents=True)
    found = [os.path.relpath(os.fsdecode(entry.path), tmp_path) for entry in walk(os.fsencode(tmp_path))]
    assert found == ["a", "a/y", "a.txt", "a.txt/z", "b", "b/x"]


def test_remove_tree(tmp_path):
    """Deeper than any path that the kernel takes."""
    top = os.open(tmp_path, os.O_RDONLY)
    os.mkdir("top", dir_fd=top)
    current = os.open("top", os.O_RDONLY, dir_fd=top)
    for _ in range(1500):
        os.mkdir("directory", dir_fd=current)
        os.symlink("/etc/passwd", "link", dir_fd=current)
        below = os.open("directory", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)
    os.close(top)
    (tmp_path / "top/other/x").mkdir(parents=True)
    remove_tree(tmp_path / "top")
    assert os.listdir(tmp_path) == []


def test_remove_tree_follows_no_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "top").mkdir()
    (tmp_path / "top/link").symlink_to("../kept")
    (tmp_path / "link").symlink_to("kept")
    remove_tree(tmp_path / "top")
    remove_tree(tmp_path / "link")
    assert sorted(os.listdir(tmp_path)) == ["kept", "link"] and (tmp_path / "kept/file").exists()


@pytest.mark.parametrize("how", [read_links, lambda directory: read_copies(directory, follow=True)])
def test_a_joined_tree(deep, tmp_path, how):
    (tmp_path / "out").mkdir()
    write_tree(joined([how(deep), how(deep)], keep_links=True), str(tmp_path / "out"))
    assert os.path.exists(os.path.join(tmp_path / "out", *["d"] * DEPTH, "file"))
    remove_tree(tmp_path / "out")


def test_other_walks(deep):
    assert list(_texts(os.fsencode(deep))) == [b"content"]
    assert sum(1 for _ in _walk(os.fsencode(deep))) == DEPTH + 1
    assert list(DirectoryMembers(deep).names()) == ["d/" * DEPTH + "file"]


def test_a_removed_path():
    node = layer_tree(removed=["/" + "/".join(["d"] * 5000)])
    assert _has_removed_below(node) and not _has_sources(node)


def layer(*members):
    return read(io.BytesIO(b"".join(members) + END))


def entry(path, **how):
    return pax(path=path.encode()) + member(b"x", **how)


def test_a_merged_tree():
    path = "/".join(["d"] * 8000)
    tree = MergedTree()
    tree.add_layer(layer(entry(path, kind=b"5")))
    tree.add_layer(layer(entry(f"{path}/f"), entry(f"{path[:8000]}.wh..wh..opq")))
    tree.apply_whiteout(b"d/.wh..wh..opq")
    assert tree.find(b"d").children == {}


def test_a_path_has_a_limit():
    layer(entry("a" * LONGEST_PATH))
    with pytest.raises(LaminixError, match=f"member name has {LONGEST_PATH + 1} bytes"):
        list(layer(entry("a" * (LONGEST_PATH + 1))))


def test_implied_directories_have_a_limit(monkeypatch):
    """Each of these members implies 8,000 directories with 64 MiB of paths."""
    monkeypatch.setattr(merged_tree, "MAX_IMPLIED", 1 << 20)
    with pytest.raises(LaminixError, match="paths of directories without an entry are too long in total"):
        MergedTree().add_layer(layer(entry("/".join(["d"] * 8000))))


def test_nar(deep):
    nodes = list(nar_nodes(nar(deep), "here.nar"))
    assert len(nodes) == DEPTH + 2 and nodes[-1].path == b"d/" * DEPTH + b"file"
