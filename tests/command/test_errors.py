"""Errors: one line, whatever they tell of."""

import pytest

from laminix.errors import LaminixError


@pytest.mark.parametrize(
    "path, line",
    [
        (None, "bad thing: too bad"),
        ("a/b", "bad thing: too bad (a/b)"),
        (b"\xff", "bad thing: too bad (\\xff)"),
        ("\udcff", "bad thing: too bad (\\xff)"),
        ("a\nb\r\x1b[2J\u2028\u202e", "bad thing: too bad (a\\nb\\r\\x1b[2J\\u2028\\u202e)"),
        ("ä 😀", "bad thing: too bad (ä 😀)"),
    ],
)
def test_is_one_line(path, line):
    assert str(LaminixError("bad thing", "too bad", path)) == line
