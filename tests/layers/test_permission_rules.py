"""layers.permission_rules: which paths a pattern matches."""

import pytest

from laminix.layers.permission_rules import Rules
from laminix.strict_json import Value
from laminix.tar.entries import FILE, Entry


def matches(pattern: dict[str, str], path: bytes) -> bool:
    rules = Rules(Value([pattern | {"uid": 1}], "bad perms"))
    return next(rules.apply([Entry(path, FILE, 0o644)], set())).owner.uid == 1


@pytest.mark.parametrize(
    "glob, yes, no",
    [
        ("a", ["a"], ["b", "a/b", "x/a", "aa"]),
        ("*", ["a", ".hidden", "a\nb"], ["a/b"]),
        ("a/*", ["a/b", "a/.b"], ["a", "a/b/c", "b/a/c"]),
        ("**", ["a", "a/b/c"], []),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/b"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa", "x/ya", "a/x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "xa/b"]),
        ("a/**/**/b", ["a/b", "a/x/y/z/b"], ["a/xb"]),
        ("a**/b", ["a/b", "ax/b", "a/x/b"], ["ab"]),
        ("***", ["a", "a/b"], []),
        ("*.so*", ["lib.so", "lib.so.1"], ["lib/x.so", "so"]),
        ("?", ["a"], ["ab", "", "/"]),
        ("[ab].{x}+$", ["[ab].{x}+$"], ["a.x"]),
        ("ä\udcff*", ["ä\udcffx"], ["äx"]),
    ],
)
def test_globs(glob, yes, no):
    def found(paths):
        return [path for path in paths if matches({"glob": glob}, path.encode("utf-8", "surrogateescape"))]

    assert found(yes + no) == yes


def test_paths_are_no_patterns():
    assert matches({"path": "a*[b]?"}, b"a*[b]?")
    assert not matches({"path": "a*"}, b"ab")


def test_a_pattern_takes_no_time_beyond_measure():
    assert not matches({"glob": "**/" * 30 + "b"}, b"a/" * 200 + b"c")
