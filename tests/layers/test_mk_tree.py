"""builders/mk-tree: directories joined into one."""

import os

import pytest


@pytest.fixture
def make(tmp_path):
    """``make(NAME, {PATH: CONTENT})``: a directory with those files; a tuple's only element is a link's target."""

    def directory(name, files):
        root = tmp_path / name
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                place.symlink_to(content[0])
            else:
                place.write_text(content)
        root.mkdir(exist_ok=True)
        return root

    return directory


@pytest.fixture
def mk_tree(builder, tmp_path):
    """``mk_tree(*ARGUMENTS)``: what the tree holds, by path (as in ``make``), or the error."""

    def run(*arguments):
        ran = builder("mk-tree", *arguments, "--out", tmp_path / "out")
        return ran.stderr or found(tmp_path / "out")

    return run


def found(root):
    result = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            key = os.path.relpath(path, root)
            if os.path.islink(path):
                result[key] = (os.readlink(path),)
            elif os.path.isfile(path):
                with open(path) as file:
                    result[key] = file.read()
    return result


def test_the_later_copy_wins(make, mk_tree):
    first, second = make("1", {"etc/a": "1", "etc/b": "1"}), make("2", {"etc/b": "2", "c": "2"})
    assert mk_tree("--copy", first, "--copy", second) == {"etc/a": "1", "etc/b": "2", "c": "2"}


def test_files_as_links(make, mk_tree):
    package = make("p", {"bin/bash": "x", "bin/sh": ("bash",)})
    assert mk_tree("--link", package) == {"bin/bash": (f"{package}/bin/bash",), "bin/sh": ("bash",)}


def test_copies_win_over_links(make, mk_tree):
    package, copy = make("p", {"etc/a": "1", "etc/b": "1"}), make("c", {"etc/b": "2"})
    assert mk_tree("--copy", copy, "--link", package) == {"etc/a": (f"{package}/etc/a",), "etc/b": "2"}


def test_links_to_directories_are_followed(make, mk_tree, tmp_path):
    make("p", {"bin/bash": "x"})
    root = make("r", {"bin": (f"{tmp_path}/p/bin",), "file": ("bin/bash",)})
    assert mk_tree("--copy", root) == {"bin/bash": "x", "file": ("bin/bash",)}


def test_or_kept(make, mk_tree):
    root = make("r", {"usr/bin/a": "a", "bin": ("usr/bin",), "gone": ("nowhere",)})
    other = make("o", {"bin/b": "b", "gone/c": "c"})
    assert mk_tree("--keep-dirlinks", "--copy", root, "--copy", other) == {
        "usr/bin/a": "a",
        "usr/bin/b": "b",
        "bin": ("usr/bin",),
        "gone/c": "c",
    }


def test_a_directory_over_a_file_and_a_file_over_a_directory(make, mk_tree):
    first, second = make("1", {"a": "file", "b/c": "below"}), make("2", {"a/x": "below", "b": "file"})
    assert mk_tree("--copy", first, "--copy", second) == {"a/x": "below", "b": "file"}


def test_modes(make, mk_tree, tmp_path):
    root = make("r", {"run": "x", "read": "x", "d/x": "x"})
    for name, mode in {"run": 0o4555, "read": 0o444, "d": 0o555}.items():
        (root / name).chmod(mode)
    mk_tree("--copy", root)
    assert {name: oct((tmp_path / "out" / name).stat().st_mode & 0o7777) for name in ("run", "read", "d")} == {
        "run": "0o555",
        "read": "0o444",
        "d": "0o755",
    }


def test_a_circle_of_links(make, mk_tree, tmp_path):
    root = make("r", {"a/b": ("..",)})
    assert mk_tree("--copy", root) == (
        f"mk-tree: error: cannot join: symbolic link leads to a directory that contains it ({root}/a/b)\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_fifo(make, mk_tree):
    root = make("r", {})
    os.mkfifo(root / "fifo")
    assert mk_tree("--copy", root) == (
        f"mk-tree: error: cannot join: found a FIFO, expected a file, a directory or a symbolic link ({root}/fifo)\n"
    )


@pytest.mark.parametrize("option", ["--copy", "--link"])
def test_what_is_no_directory(make, mk_tree, option):
    file = make("r", {"file": "x"}) / "file"
    assert mk_tree(option, file) == f"mk-tree: error: cannot join: no such directory ({file})\n"
