"""Numbers in tar headers and PAX records: how they are written, and the range of each field.

A header writes a number in octal digits or, marked by the first bit, in base 256 (GNU tar manual, "Basic
Tar Format"); a PAX record writes it in decimal digits (POSIX pax, "pax Extended Header Keywords").  Python's
``int`` accepts more than these formats do: signs, blanks, underscores, and digits without end.
"""

from functools import lru_cache
from typing import NamedTuple

from laminix.errors import shown

LARGEST_ID = 2**32 - 2  # the kernel keeps 2^32 - 1 for "no id"


class Range(NamedTuple):
    """The smallest and the largest value of a field."""

    smallest: int
    largest: int


# Go's archive/tar, which all container engines read layers with, holds sizes and times in 64 bits with a
# sign and refuses negative sizes; it accepts times before 1970, and so do the engines.
_SIZE = Range(0, 2**63 - 1)
_TIME = Range(-(2**63), 2**63 - 1)
_ID = Range(0, LARGEST_ID)

RANGES = {
    "size": _SIZE,
    "mode": Range(0, 2**32 - 1),
    "uid": _ID,
    "gid": _ID,
    "mtime": _TIME,
    "atime": _TIME,
    "ctime": _TIME,
    # Linux splits the 32 bits of a device number into 12 and 20 (include/linux/kdev_t.h, new_decode_dev).
    "device major number": Range(0, 2**12 - 1),
    "device minor number": Range(0, 2**20 - 1),
}

MOST_DIGITS = 19  # of the largest size and time
LONGEST_SHOWN = 40  # characters of a faulty value in an error


class BadField(ValueError):
    """A number that is malformed or out of range; names the field, but not the member."""


@lru_cache(maxsize=4096)
def header_number(field: str, data: bytes) -> int:
    """The number in DATA, a header's bytes for FIELD; an empty field is 0.

    Raises BadField for a malformed number and for one outside the field's range.
    """
    if data[0] & 0x80:
        return _in_range(field, _base_256(data))
    digits = data.strip(b" \0").partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise BadField(f"{field}: found {_cut(digits)!r}, expected octal digits; the header is damaged")
    return _in_range(field, int(digits, 8)) if digits else 0


def _base_256(data: bytes) -> int:
    if data[0] & 0x40:  # the sign
        return int.from_bytes(data, "big", signed=True)
    return int.from_bytes(bytes([data[0] & 0x7F]) + data[1:], "big")


def record_number(field: str, value: bytes) -> int:
    """The number in VALUE, a PAX record's text for FIELD.  Raises BadField as ``header_number`` does."""
    return _in_range(field, _decimal(field, value, value))


def record_seconds(field: str, value: bytes) -> int:
    """The whole seconds of the time in VALUE, a PAX record's text for FIELD, rounded down.

    Raises BadField as ``header_number`` does.
    """
    whole, _, fraction = value.partition(b".")
    if fraction.strip(b"0123456789"):
        raise _no_decimal(field, value)
    seconds = _decimal(field, whole.removeprefix(b"-"), value)
    if whole.startswith(b"-"):
        seconds = -seconds - (fraction.strip(b"0") != b"")
    return _in_range(field, seconds)


def _decimal(field: str, digits: bytes, value: bytes) -> int:
    """The number that DIGITS say, which are part of VALUE."""
    if not digits.isdigit():
        raise _no_decimal(field, value)
    significant = digits.lstrip(b"0")
    if len(significant) > MOST_DIGITS:  # int() refuses some thousands of digits with an error of its own
        raise _out_of_range(field, _cut(value))
    return int(significant or b"0")


def _in_range(field: str, number: int) -> int:
    smallest, largest = RANGES[field]
    if not smallest <= number <= largest:
        raise _out_of_range(field, str(number))
    return number


def _no_decimal(field: str, value: bytes) -> BadField:
    return BadField(f"{field}: found {_cut(value)!r} in a PAX header, expected a decimal number")


def _out_of_range(field: str, found: str) -> BadField:
    smallest, largest = RANGES[field]
    return BadField(f"{field}: found {found}, expected a number from {smallest} to {largest}")


def _cut(value: bytes) -> str:
    """VALUE for a message, of which a hostile archive can write a megabyte."""
    text = shown(value[: LONGEST_SHOWN + 1])
    return f"{text[:LONGEST_SHOWN]}…" if len(text) > LONGEST_SHOWN else text
