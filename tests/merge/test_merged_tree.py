"""The merged tree: layers one over the other, as a container sees them."""

import io

import pytest

import file_trees
from file_trees import DIRECTORY, HardLink, Link
from laminix.errors import LaminixError
from laminix.merge.merged_tree import MergedTree, content_digest
from laminix.tar import reader as tar_reader

STORE_FILE = f"nix/store/{'0' * 32}-hello/bin/hello"


def layer(*parts, **named):
    """A layer's members as tar_reader gives them, from dictionaries (one can have a name only once)."""
    for part in (*parts, named):
        yield from tar_reader.read(io.BytesIO(file_trees.tar(part)))


def tree(*layers, sizes=range(100)):
    result = MergedTree(sizes)
    for content in layers:
        result.add_layer(layer(content))
    return result


def paths(merged):
    """All paths in the tree, sorted."""
    found, todo = [], [(b"", merged.find(b""))]
    while todo:
        path, node = todo.pop()
        for name, child in (node.children or {}).items():
            below = path + b"/" + name if path else name
            found.append(below.decode())
            todo.append((below, child))
    return sorted(found)


def test_keeps_directories_links_and_files_of_the_sizes_asked_for():
    merged = tree({"d": DIRECTORY, "d/one": b"1", "d/three": b"123", "link": Link("d")}, sizes={3})
    assert paths(merged) == ["d", "d/three", "link"]


def test_upper_files_win():
    merged = tree({"f": b"old"}, {"f": b"new"})
    assert merged.find(b"f").digest == content_digest([b"new"])
    assert merged.find(b"f").layer == 1


def test_an_upper_file_of_another_size_hides_the_lower_one():
    assert paths(tree({"f": b"old"}, {"f": b"longer"}, sizes={3})) == []


def test_directories_merge_and_the_upper_ones_entry_wins():
    merged = tree({"d": DIRECTORY, "d/a": b"1"}, {"d": DIRECTORY, "d/b": b"2"})
    assert paths(merged) == ["d", "d/a", "d/b"]
    assert merged.find(b"d").layer == 1


@pytest.mark.parametrize("upper", [b"file", Link("elsewhere")], ids=["file", "link"])
def test_what_is_no_directory_hides_all_that_was_in_one(upper):
    assert paths(tree({"d": DIRECTORY, "d/a": b"1"}, {"d": upper})) == ["d"]


def test_a_directory_replaces_a_link_and_a_file():
    merged = tree({"link": Link("d"), "f": b"1", "d/a": b"2"}, {"link": DIRECTORY, "f": DIRECTORY})
    assert merged.find(b"link").children == {}
    assert merged.find(b"f").children == {}


def test_whiteouts_hide_files_and_trees():
    merged = tree({"a/b/c": b"1", "a/d": b"2", "e": b"3"}, {"a/.wh.b": b"", ".wh.e": b"", ".wh.none": b""})
    assert paths(merged) == ["a", "a/d"]


@pytest.mark.parametrize("first", ["marker", "content"])
@pytest.mark.parametrize("marker", ["d/.wh..wh..opq", ".wh.d"])
def test_whiteouts_spare_their_own_layer_wherever_they_stand(first, marker):
    parts = [{marker: b""}, {"d/new": b"1"}]
    merged = tree({"d/old": b"1", "d/sub/old": b"2"})
    merged.add_layer(layer(*(parts if first == "marker" else parts[::-1])))
    assert paths(merged) == ["d", "d/new"]


def test_records_of_aufs_hide_nothing():
    assert paths(tree({"d/plnk": b"1"}, {"d/.wh..wh.plnk": b"", "d/.wh..wh.aufs": b""})) == ["d", "d/plnk"]


def test_a_hard_link_is_the_file():
    merged = tree({"f": b"content", "d/g": HardLink("f")})
    assert merged.find(b"d/g").digest == content_digest([b"content"])
    assert merged.find(b"d/g").entry.size == 7


def test_a_hard_link_out_of_the_layer_is_an_error():
    with pytest.raises(LaminixError, match=r"hard link 'g': .*expected one without '\.\.'"):
        tree({"g": HardLink("../f")})


def test_a_file_of_a_store_path_is_known_by_its_content():
    assert tree({STORE_FILE: b"1"}).find(STORE_FILE.encode()).digest == content_digest([b"1"])


@pytest.mark.parametrize(
    ("path", "real"),
    [
        (b"", b""),
        (b"usr/bin", b"usr/bin"),
        (b"bin", b"usr/bin"),
        (b"sbin", b"usr/bin"),
        (b"abs", b"usr/lib"),
        (b"usr/abs", b"usr/lib"),
        (b"abs/../bin", b"usr/bin"),
        (b"usr/up/usr/bin", b"usr/bin"),
        (b"over", b"usr"),
        (b"loop", None),
        (b"dangling", None),
        (b"file", None),
        (b"file/x", None),
        (b"to-file", None),
    ],
)
def test_finds_the_real_directory(path, real):
    merged = tree(
        {
            "usr/bin": DIRECTORY,
            "usr/lib": DIRECTORY,
            "bin": Link("usr/bin"),
            "sbin": Link("bin"),
            "abs": Link("/usr/lib"),
            "usr/up": Link(".."),
            "usr/abs": Link("/usr/lib"),
            "over": Link("../../../usr/./"),
            "loop": Link("loop"),
            "dangling": Link("nowhere"),
            "file": b"1",
            "to-file": Link("file"),
        }
    )
    assert merged.real_directory(path) == real


def test_members_below_a_link_go_where_it_leads():
    merged = tree({"usr/bin": DIRECTORY, "bin": Link("usr/bin")}, {"bin/f": b"1"})
    assert paths(merged) == ["bin", "usr", "usr/bin", "usr/bin/f"]


def test_hiding_and_covering_for_a_layer_above():
    merged = tree({"a": b"1", "d/b": b"2", "d/c": b"3"})
    merged.apply_whiteout(b"d/.wh.b")
    merged.add_entry(tar_reader.Entry(b"a", b"0", 0o644))
    assert paths(merged) == ["d", "d/c"]
