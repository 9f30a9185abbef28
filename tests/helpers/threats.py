"""The list of threats in ``lib/laminix/forms/README.md``, and the tests that it names."""

import re

from checkout import ROOT

PAGE = ROOT / "lib" / "laminix" / "forms" / "README.md"
TEST = re.compile(r"`(test_\w+(?:\.py)?)`")


def named_tests() -> dict[str, tuple[str, ...]]:
    """Return the tests in the last column of the tables by the threat in their first column."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [(row[1].strip(), row[-2]) for row in rows]
    return {threat: tuple(TEST.findall(tests)) for threat, tests in cells if threat != "Threat"}
