"""Every test that the list of threats names exists."""

import re

from checkout import ROOT

PAGE = ROOT / "lib" / "laminix" / "forms" / "README.md"


def named() -> set[str]:
    """The tests in the last column of the tables."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {name for row in rows for name in re.findall(r"`(test_\w+(?:\.py)?)`", row[-2])}


def test_every_test_exists():
    files = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    functions = {name for text in files.values() for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
    assert named() - files.keys() - functions == set()


def test_every_threat_has_a_test():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "| Threat |" not in f"|{line}"]
    assert rows and all(re.search(r"`test_\w+(?:\.py)?` \|$", row) for row in rows if not row.startswith("| Threat"))
