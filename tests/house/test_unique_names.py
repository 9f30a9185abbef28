"""Test files have names of their own, since pytest imports them by name."""

from collections import Counter

from checkout import ROOT


def test_no_two_test_files_have_one_name():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
