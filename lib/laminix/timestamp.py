"""Points in time as options name them: RFC 3339, whole seconds since the epoch, or ``now``."""

import re
import time
from collections.abc import Mapping

from laminix.errors import LaminixError

# RFC 3339, section 5.6; the date and the time may be divided by a blank (its note).
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
FIRST, LAST = -62135596800, 253402300799  # the years 1 to 9999, which is what four digits can say


def read_seconds(text: str, environment: Mapping[str, str]) -> int:
    """The whole seconds since the epoch that TEXT names.

    ``now`` obeys SOURCE_DATE_EPOCH in ENVIRONMENT.  Raises LaminixError for anything that is no time.
    """
    return _parse(text, environment)[0]


def read_timestamp(text: str, environment: Mapping[str, str]) -> str:
    """The time that TEXT names as image configs write it: RFC 3339 in UTC, with a Z at the end.

    A fraction of a second is kept.  Raises as ``read_seconds`` does.
    """
    seconds, fraction = _parse(text, environment)
    return f"{_utc(seconds)}{fraction}Z"


def _utc(seconds: int) -> str:
    year, *others = time.gmtime(seconds)[:6]
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(year, *others)


def _parse(text: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Seconds since the epoch, and the fraction as it is written (``.25``, or nothing)."""
    if text == "now":
        return _now(environment), ""
    if re.fullmatch(r"-?\d{1,12}", text, re.ASCII):
        return _in_range(int(text), text), ""
    match = RFC3339.fullmatch(text)
    if match is None:
        raise LaminixError("bad time", f"found {text!r}, expected RFC 3339, whole seconds or 'now'")
    return _in_range(_seconds(match, text), text), (match[7] or "").rstrip("0").rstrip(".")


def _now(environment: Mapping[str, str]) -> int:
    epoch = environment.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return int(time.time())
    if not re.fullmatch(r"\d{1,12}", epoch, re.ASCII):
        raise LaminixError("bad time", f"SOURCE_DATE_EPOCH is {epoch!r}, expected whole seconds")
    return _in_range(int(epoch), epoch)


def _seconds(match: re.Match, text: str) -> int:
    import calendar  # 2 ms, and most times are whole seconds

    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if hour > 23 or minute > 59 or second > 59:
        raise LaminixError("bad time", f"there is no such time of day in {text!r}")
    if not 1 <= month <= 12 or not 1 <= year or not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise LaminixError("bad time", f"there is no such day in {text!r}")
    return calendar.timegm((year, month, day, hour, minute, second)) - _offset(match, text)


def _offset(match: re.Match, text: str) -> int:
    """Seconds east of Greenwich."""
    if match[8]:
        return 0
    hours, minutes = int(match[10]), int(match[11])
    if hours > 23 or minutes > 59:
        raise LaminixError("bad time", f"there is no such offset from UTC in {text!r}")
    return (1 if match[9] == "+" else -1) * (hours * 3600 + minutes * 60)


def _in_range(seconds: int, text: str) -> int:
    if not FIRST <= seconds <= LAST:
        raise LaminixError("bad time", f"{text!r} is outside the years 1 to 9999")
    return seconds
