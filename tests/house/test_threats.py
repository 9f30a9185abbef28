"""The list of threats: each is there once and names a test, and every test that it names exists."""

import re

from checkout import ROOT
from threats import named_tests, rows


def test_every_test_exists():
    files = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    functions = {name for text in files.values() for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}
    named = {name for names in named_tests().values() for name in names}
    assert named - files.keys() - functions == set()


def test_every_threat_has_a_test():
    assert named_tests() and all(named_tests().values())


def test_every_threat_is_there_once():
    threats = [threat for threat, _ in rows()]
    assert sorted(set(threats)) == sorted(threats)
