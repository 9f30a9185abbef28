"""The list of guards: each can be removed, and no threat is without one. ``remove-guards`` sees the tests fail."""

import pytest
from guards import GUARDS, WITHOUT_GUARD

from checkout import ROOT
from threats import named_tests

EVERY_THREAT = named_tests()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.file}: {guard.threat}")
def test_a_guard_is_where_the_list_says(guard):
    assert (ROOT / "lib/laminix" / guard.file).read_text().count(guard.old) == 1
    assert guard.threat in EVERY_THREAT or guard.tests


def test_every_threat_has_a_guard():
    assert EVERY_THREAT.keys() - {guard.threat for guard in GUARDS} == WITHOUT_GUARD.keys()
