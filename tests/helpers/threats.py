"""The list of threats in ``lib/laminix/forms/README.md``, and the tests that it names."""

import re

from checkout import ROOT

PAGE = ROOT / "lib" / "laminix" / "forms" / "README.md"
TEST = re.compile(r"`(test_\w+(?:\.py)?)`")


def named_tests() -> dict[str, tuple[str, ...]]:
    """Return the tests in the last column of the tables by the threat in their first column."""
    return dict(rows())


def rows() -> list[tuple[str, tuple[str, ...]]]:
    """Return the threat and the tests of each row, in the order of the page."""
    lines = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [(line[1].strip(), line[-2]) for line in lines]
    return [(threat, tuple(TEST.findall(tests))) for threat, tests in cells if threat != "Threat"]
