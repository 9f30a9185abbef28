"""Times in options: RFC 3339, whole seconds since the epoch, or ``now``."""

import re
import time
from collections.abc import Mapping

from laminix.errors import LaminixError, UsageError

# RFC 3339, section 5.6. A note there allows a space between date and time.
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
FIRST, LAST = -62135596800, 253402300799  # seconds since the epoch: the years 1 to 9999, the limit of RFC 3339


def read_seconds(text: str, environment: Mapping[str, str]) -> int:
    """Return the time TEXT in whole seconds since the epoch.

    ``now`` is SOURCE_DATE_EPOCH of ENVIRONMENT if that is set. Raises UsageError for an invalid time.
    """
    return _parse(text, environment)[0]


def read_timestamp(text: str, environment: Mapping[str, str]) -> str:
    """Return the time TEXT as in image configs: RFC 3339 in UTC, ending in Z.

    A fraction of a second is kept. Raises like ``read_seconds``.
    """
    seconds, fraction = _parse(text, environment)
    return f"{_utc(seconds)}{fraction}Z"


def _utc(seconds: int) -> str:
    year, *others = time.gmtime(seconds)[:6]
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(year, *others)


def _parse(text: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Return the seconds since the epoch and the fraction as written (``.25`` or empty)."""
    if text == "now":
        return _now(environment), ""
    if re.fullmatch(r"-?\d{1,12}", text, re.ASCII):
        return _in_range(int(text), text), ""
    match = RFC3339.fullmatch(text)
    if match is None:
        raise UsageError("bad time", f"found {text!r}, expected RFC 3339, whole seconds or 'now'")
    return _in_range(_seconds(match, text), text), (match[7] or "").rstrip("0").rstrip(".")


def _now(environment: Mapping[str, str]) -> int:
    epoch = environment.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return int(time.time())
    if not re.fullmatch(r"\d{1,12}", epoch, re.ASCII):
        raise LaminixError("bad time", f"SOURCE_DATE_EPOCH is {epoch!r}, expected whole seconds")
    return _in_range(int(epoch), epoch)


def _seconds(match: re.Match, text: str) -> int:
    import calendar  # takes 2 ms, and most times are whole seconds

    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if hour > 23 or minute > 59 or second > 59:
        raise UsageError("bad time", f"found {text!r}, expected a time of day from 00:00:00 to 23:59:59")
    if not 1 <= month <= 12 or not 1 <= year or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise UsageError("bad time", f"found {text!r}, expected a day of the calendar")
    return calendar.timegm((year, month, day, hour, minute, second)) - _offset(match, text)


def _offset(match: re.Match, text: str) -> int:
    """Return the offset from UTC in seconds, positive to the east."""
    if match[8]:
        return 0
    hours, minutes = int(match[10]), int(match[11])
    if hours > 23 or minutes > 59:
        raise UsageError("bad time", f"found {text!r}, expected an offset from UTC of at most 23:59")
    return (1 if match[9] == "+" else -1) * (hours * 3600 + minutes * 60)


def _in_range(seconds: int, text: str) -> int:
    if not FIRST <= seconds <= LAST:
        raise UsageError("bad time", f"found {text!r}, expected a time in the years 1 to 9999")
    return seconds
