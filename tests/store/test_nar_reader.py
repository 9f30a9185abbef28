"""NARs are read as Nix writes them, in pieces of any size; everything else is refused in one line."""

import os
import random

import pytest

from laminix.errors import LaminixError
from laminix.store.nar import nar
from laminix.store.nar_reader import LONGEST_LINK, LONGEST_NAME, LONGEST_PATH, nar_nodes
from nar_words import archive, node, word, words

TREE = {
    "a": {"inner": b"one"},
    "a.b": b"",
    "a0": "../elsewhere",
    "big": bytes(range(256)) * 300,
    "empty": {},
    "\u00e4": b"12345678",
}


def read(data: bytes, size: int | None = None, piece: int = 1 << 16) -> list[tuple]:
    """The nodes of the NAR DATA, which arrives in pieces, with their contents."""
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    found = []
    for path, type, executable, size, target, content in nar_nodes(pieces, "here.nar", size):
        found.append((path.decode(), type.decode(), executable, target.decode(), content and content_of(content, size)))
    return found


def content_of(content, size: int) -> bytes:
    data, buffer = b"", bytearray(1000)
    while count := content.read_into([buffer]):
        data += buffer[:count]
    assert len(data) == size
    return data


def refusal(data: bytes, size: int | None = None) -> str:
    with pytest.raises(LaminixError) as caught:
        read(data, size)
    text = str(caught.value)
    assert text.startswith("bad NAR: ") and text.endswith(" (here.nar)") and "\n" not in text
    return text


@pytest.mark.parametrize("piece", [1, 7, 8, 100, 1 << 20])
def test_every_node_once_and_a_directory_before_its_contents(piece):
    data = archive(node(TREE))
    assert read(data, len(data), piece) == [
        ("", "directory", False, "", None),
        ("a", "directory", False, "", None),
        ("a/inner", "regular", False, "", b"one"),
        ("a.b", "regular", False, "", b""),
        ("a0", "symlink", False, "../elsewhere", None),
        ("big", "regular", False, "", TREE["big"]),
        ("empty", "directory", False, "", None),
        ("\u00e4", "regular", False, "", b"12345678"),
    ]


def test_contents_that_nobody_reads_are_skipped():
    data = archive(node(TREE))
    assert [item.path for item in nar_nodes([data], "here.nar")][-1] == "\u00e4".encode()


def test_a_store_path_may_be_a_file_or_a_link():
    assert read(archive(node(b"#!", executable=True))) == [("", "regular", True, "", b"#!")]
    assert read(archive(node("target"))) == [("", "symlink", False, "target", None)]


@pytest.mark.parametrize("seed", range(5))
def test_what_we_write_is_read(tmp_path, seed):
    numbers = random.Random(seed)
    paths = {b""}
    os.mkdir(tmp_path / "top")
    for number in range(60):
        parent = numbers.choice(sorted(path for path in paths if os.path.isdir(os.fsencode(tmp_path / "top") + path)))
        path = (
            parent + b"/" + bytes(numbers.choices(b"ab.-_0A\xff", k=numbers.randint(1, 6))).strip(b".") + b"%d" % number
        )
        paths.add(path)
        on_disk = os.fsencode(tmp_path / "top") + path
        if numbers.random() < 0.4:
            os.mkdir(on_disk)
        else:
            with open(on_disk, "wb") as file:
                file.write(numbers.randbytes(numbers.randint(0, 40)))
    found = [item.path for item in nar_nodes(nar(str(tmp_path / "top")), "here.nar")]
    assert sorted(found) == sorted(path.lstrip(b"/") for path in paths)
    assert found == sorted(found, key=lambda path: path.split(b"/"))


def named(*names: str | bytes) -> bytes:
    """A NAR of a directory with empty files of these NAMES, in this order."""
    entries = (words("entry", "(", "name", name, "node") + node(b"") + word(")") for name in names)
    return archive(words("(", "type", "directory") + b"".join(entries) + word(")"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "../x", "a\0b"])
def test_a_name_stays_in_its_directory(name):
    assert "is not the name of a file in a directory" in refusal(named(name))


def test_names_come_in_order_and_once():
    assert "name 'a' comes after 'b', expected names in byte order" in refusal(named("b", "a"))
    assert "name 'a' is there twice" in refusal(named("a", "a"))
    assert [item.path for item in nar_nodes([named("A", "a", "a.b", "a0")], "here.nar")][1:] == [
        b"A",
        b"a",
        b"a.b",
        b"a0",
    ]


def test_names_that_mean_something_else_are_refused():
    assert "was made for a file system that ignores case" in refusal(named("readme~nix~case~hack~1"))
    assert "is reserved for whiteouts" in refusal(named(".wh.etc"))


def test_lengths_have_limits():
    huge = (1 << 62).to_bytes(8, "little")
    directory = word("nix-archive-1") + words("(", "type", "directory", "entry", "(", "name")
    file = word("nix-archive-1") + words("(", "type", "regular", "contents")
    link = word("nix-archive-1") + words("(", "type", "symlink", "target")
    assert f"name has {1 << 62} bytes, expected at most {LONGEST_NAME}" in refusal(directory + huge)
    assert f"has {1 << 62} bytes, expected at most {LONGEST_LINK}" in refusal(link + huge)
    assert f"keyword has {1 << 62} bytes" in refusal(huge)
    assert "file '' has 4611686018427387904 bytes, but at most 4 are left" in refusal(file + huge, len(file) + 12)
    assert "keyword has 18446744073709551615 bytes" in refusal(b"\xff" * 8)
    assert read(named("x" * LONGEST_NAME))
    refusal(named("x" * (LONGEST_NAME + 1)))


def test_a_path_in_a_nar_has_a_limit():
    tree: dict = {}
    for _ in range(LONGEST_PATH // 100 + 1):
        tree = {"x" * 100: tree}
    assert f"expected at most {LONGEST_PATH}" in refusal(archive(node(tree)))


def test_a_nar_that_ends_early_or_late():
    data = archive(node({"a": b"content", "b": "link"}))
    for length in range(len(data)):
        assert "ends early" in refusal(data[:length])
    assert "found bytes after the end" in refusal(data + b"\0")
    assert "found bytes after the end" in refusal(data + data)


@pytest.mark.parametrize(
    "data, why",
    [
        (word("nix-archive-2"), "found 'nix-archive-2', expected 'nix-archive-1'"),
        (archive(words("(", "type", "device", ")")), "found the type 'device', expected"),
        (archive(words("(", "type", "regular", "executable", "yes")), "found 'yes', expected ''"),
        (archive(words("(", "type", "symlink", "target", "", ")")), "has the target ''"),
        (archive(words("(", "type", "directory", "file")), "expected an entry or its end"),
        (archive(words("(", "type", "regular", ")")), "expected the contents"),
        (archive(words("(", "type", "regular", "contents") + word(b"x", padding=b"!") + word(")")), "not zero"),
        (word("nix-archive-1", padding=b"!"), "not zero"),
        (b"<html>Not found</html>", "keyword has"),
        (b"", "ends early"),
    ],
)
def test_what_nix_does_not_write(data, why):
    assert why in refusal(data)


def test_no_function_recurses():
    depth = 3000
    data = archive(
        words(*("(", "type", "directory", "entry", "(", "name", "d", "node") * depth)
        + node({})
        + words(*("))" * depth))
    )
    assert len(read(data)) == depth + 1


@pytest.mark.parametrize("seed", range(20))
def test_damaged_nars_are_read_or_refused(seed):
    """Whatever the bytes are, names stay in their directories and in order, and an error is one line."""
    numbers = random.Random(seed)
    whole = archive(node(TREE | {"big": b"x" * 100}))
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(numbers.randint(1, 4)):
            data[numbers.randrange(len(data))] = numbers.choice([0, 1, 8, 47, 46, 255, numbers.randrange(256)])
        try:
            found = read(bytes(data), len(data), numbers.choice([1, 8, 1000]))
        except LaminixError as error:
            assert str(error).startswith("bad NAR: ") and "\n" not in str(error)
        except UnicodeDecodeError:
            pass  # of this test: a name need not be UTF-8
        else:
            paths = [path.encode() for path, *_ in found]
            assert paths == sorted(set(paths), key=lambda path: path.split(b"/"))
            assert not [path for path in paths if {b"", b".", b".."} & set(path.split(b"/")[1:])]
