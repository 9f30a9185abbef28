"""Times as options name them."""

import pytest

from laminix.errors import LaminixError
from laminix.timestamp import read_seconds, read_timestamp

WRITTEN = {
    "1": "1970-01-01T00:00:01Z",
    "0": "1970-01-01T00:00:00Z",
    "-1": "1969-12-31T23:59:59Z",
    "2024-02-29T12:00:00Z": "2024-02-29T12:00:00Z",
    "2024-02-29t12:00:00z": "2024-02-29T12:00:00Z",
    "2024-02-29 12:00:00+02:00": "2024-02-29T10:00:00Z",
    "2024-01-01T00:30:00-00:45": "2024-01-01T01:15:00Z",
    "2024-01-01T00:00:00.250Z": "2024-01-01T00:00:00.25Z",
    "2024-01-01T00:00:00.000Z": "2024-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z": "9999-12-31T23:59:59Z",
}
BAD = (
    "",
    "yesterday",
    "1.5",
    "2024-02-29",
    "2024-02-29T12:00:00",
    "2023-02-29T12:00:00Z",
    "2024-13-01T12:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:00:00+24:00",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "999999999999",
    "２０２４-01-01T00:00:00Z",
)


@pytest.mark.parametrize("text", WRITTEN)
def test_writes_utc_with_a_z(text):
    assert read_timestamp(text, {}) == WRITTEN[text]


@pytest.mark.parametrize("text", BAD)
def test_refuses_what_is_no_time(text):
    with pytest.raises(LaminixError, match="bad time"):
        read_timestamp(text, {})


def test_now_obeys_source_date_epoch():
    assert read_timestamp("now", {"SOURCE_DATE_EPOCH": "86400"}) == "1970-01-02T00:00:00Z"


def test_now_is_later_than_this_test_was_written():
    assert read_seconds("now", {}) > 1_700_000_000


@pytest.mark.parametrize("epoch", ("", "x", "1.5", "-1"))
def test_refuses_a_bad_source_date_epoch(epoch):
    with pytest.raises(LaminixError, match="SOURCE_DATE_EPOCH"):
        read_timestamp("now", {"SOURCE_DATE_EPOCH": epoch})


def test_seconds_leave_out_the_fraction():
    assert read_seconds("1970-01-01T00:00:02.9Z", {}) == 2
