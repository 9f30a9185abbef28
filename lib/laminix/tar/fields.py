"""Numbers in tar headers and PAX records: their encoding and the range of each field.

A header contains a number in octal digits or, if the first bit is set, in base 256 (GNU tar manual, "Basic Tar
Format"). A PAX record contains it in decimal digits (POSIX pax, "pax Extended Header Keywords"). Python's ``int``
is not strict enough for either: it accepts signs, blanks, underscores and any number of digits.
"""

from functools import lru_cache
from typing import NamedTuple

from laminix.errors import shown

LARGEST_ID = 2**32 - 2  # the kernel reserves 2^32 - 1 for "no ID"


class Range(NamedTuple):
    """The smallest and the largest value of a field."""

    smallest: int
    largest: int


# All container engines read layers with Go's archive/tar. It stores sizes and times as signed 64-bit numbers,
# rejects negative sizes and accepts times before 1970.
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

MAX_DIGITS = 19  # digits of the largest size and time
MAX_SHOWN = 40  # characters of an invalid value in an error


class BadField(ValueError):
    """A number that is malformed or out of range. The message names the field; the caller adds the member."""


@lru_cache(maxsize=4096)
def header_number(field: str, data: bytes) -> int:
    """Return the number in DATA, the bytes of FIELD in a header. An empty field is 0.

    Raises BadField if the number is malformed or out of the field's range.
    """
    if data[0] & 0x80:
        return _in_range(field, _base_256(data))
    digits = data.strip(b" \0").partition(b"\0")[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise BadField(f"{field}: found {_shortened(digits)!r}, expected octal digits; the header is damaged")
    return _in_range(field, int(digits, 8)) if digits else 0


def _base_256(data: bytes) -> int:
    if data[0] & 0x40:  # the sign
        return int.from_bytes(data, "big", signed=True)
    return int.from_bytes(bytes([data[0] & 0x7F]) + data[1:], "big")


def record_number(field: str, value: bytes) -> int:
    """Return the number in VALUE, the value of a PAX record for FIELD. Raises BadField like ``header_number``."""
    return _in_range(field, _decimal(field, value, value))


def record_seconds(field: str, value: bytes) -> int:
    """Return the time in VALUE, the value of a PAX record for FIELD, in whole seconds, rounded down.

    Raises BadField like ``header_number``.
    """
    whole, _, fraction = value.partition(b".")
    if fraction.strip(b"0123456789"):
        raise _not_decimal(field, value)
    seconds = _decimal(field, whole.removeprefix(b"-"), value)
    if whole.startswith(b"-"):
        seconds = -seconds - (fraction.strip(b"0") != b"")
    return _in_range(field, seconds)


def _decimal(field: str, digits: bytes, value: bytes) -> int:
    """Return the number with the decimal DIGITS, which are a part of VALUE."""
    if not digits.isdigit():
        raise _not_decimal(field, value)
    significant = digits.lstrip(b"0")
    if len(significant) > MAX_DIGITS:  # int() raises its own error for thousands of digits
        raise _out_of_range(field, _shortened(value))
    return int(significant or b"0")


def _in_range(field: str, number: int) -> int:
    smallest, largest = RANGES[field]
    if not smallest <= number <= largest:
        raise _out_of_range(field, str(number))
    return number


def _not_decimal(field: str, value: bytes) -> BadField:
    return BadField(f"{field}: found {_shortened(value)!r} in a PAX header, expected a decimal number")


def _out_of_range(field: str, found: str) -> BadField:
    smallest, largest = RANGES[field]
    return BadField(f"{field}: found {found}, expected a number from {smallest} to {largest}")


def _shortened(value: bytes) -> str:
    """Return the start of VALUE for a message. In a hostile archive a value may be a megabyte long."""
    text = shown(value[: MAX_SHOWN + 1])
    return f"{text[:MAX_SHOWN]}…" if len(text) > MAX_SHOWN else text
