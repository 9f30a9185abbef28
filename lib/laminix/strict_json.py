"""Strict JSON reading, and writing that gives the same bytes every time.

A value knows its JSON path, so that an error can name it: ``config.Env[2]: found a number, expected a string``.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from laminix.errors import LaminixError

BATCH = 512  # elements of a list that are written at once

NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a fraction",
    type(None): "null",
}


def dumps(value: Any) -> bytes:
    """Return VALUE as JSON in UTF-8: keys in VALUE's order, no spaces, a newline at the end."""
    return _dumped(value) + b"\n"


def _dumped(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate, which stands for a byte that is not UTF-8, becomes a JSON escape.
    return text.encode("utf-8", "backslashreplace")


def dumped_parts(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield what ``dumps`` returns for the object DOCUMENT, in parts.

    A member that is an iterator is written as a list, whose elements are made while it is written.
    """
    separator = b"{"
    for key, value in document.items():
        yield separator + _dumped(key) + b":"
        yield from _list_parts(value) if isinstance(value, Iterator) else [_dumped(value)]
        separator = b","
    yield b"}\n" if document else b"{}\n"


def _list_parts(elements: Iterator[Any]) -> Iterator[bytes]:
    separator = b"["
    while batch := list(itertools.islice(elements, BATCH)):
        yield separator + _dumped(batch)[1:-1]
        separator = b","
    yield b"]" if separator == b"," else b"[]"


def loads(data: bytes, what: str, place: object = None) -> "Value":
    """Return the document in DATA. WHAT is the start of its errors ("bad manifest"), PLACE the path it came from.

    Raises LaminixError if DATA is not JSON, for a repeated key, and for NaN and infinity.
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except ValueError as error:
        raise LaminixError(what, f"not JSON: {error}", place) from None
    return parse_text(text, _no_repeats, lambda raw: raw, what, place)


def parse_text(
    text: str, make_object: Callable[[list], Any], convert: Callable[[Any], Any], what: str, place: object
) -> "Value":
    """Return the JSON document in TEXT, after CONVERT. MAKE_OBJECT makes an object of a list of keys and values.

    Raises LaminixError as ``loads`` does, also for a ValueError of the two functions.
    """
    hooks = {"object_pairs_hook": make_object, "parse_constant": _no_constant, "parse_float": _fraction}
    try:
        return Value(convert(json.loads(text, **hooks)), what, place)
    except RecursionError:
        raise LaminixError(what, "JSON is nested too deeply", place) from None
    except ValueError as error:
        raise LaminixError(what, f"not JSON: {error}", place) from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"repeated key {repeated!r} in one object")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"number {digits} is too large")
    return number


class Value:
    """A JSON value with the name and place of its document and its JSON path there."""

    __slots__ = ("raw", "what", "place", "path")

    def __init__(self, raw: Any, what: str, place: object = None, path: str = ""):
        self.raw = raw
        self.what = what
        self.place = place
        self.path = path

    def error(self, why: str) -> LaminixError:
        """Return an error with this value's path and WHY, for the caller to raise."""
        return LaminixError(self.what, f"{self.path}: {why}" if self.path else why, self.place)

    def expect(self, *kinds: type) -> Any:
        """Return the raw value. Raises LaminixError unless its type is one of KINDS; a boolean is not an int."""
        if type(self.raw) in kinds:
            return self.raw
        wanted = " or ".join(NAMES[kind] for kind in kinds)
        raise self.error(f"found {NAMES[type(self.raw)]}, expected {wanted}")

    def __getitem__(self, key: str) -> "Value":
        """Return the member KEY of an object. Raises LaminixError if it is missing."""
        members = self.expect(dict)
        if key not in members:
            raise self.error(f"the key {key!r} is missing")
        return self._member(key)

    def get(self, key: str) -> "Value | None":
        """Return the member KEY of an object, or None if it is missing or null."""
        return None if self.expect(dict).get(key) is None else self._member(key)

    def _member(self, key: str) -> "Value":
        return Value(self.raw[key], self.what, self.place, f"{self.path}.{key}" if self.path else key)

    def items(self) -> Iterator[tuple[str, "Value"]]:
        """Yield the members of an object, in the document's order."""
        for key in self.expect(dict):
            self._check_text(key)
            yield key, self._member(key)

    def __iter__(self) -> Iterator["Value"]:
        """Yield the elements of a list."""
        for index, raw in enumerate(self.expect(list)):
            yield Value(raw, self.what, self.place, f"{self.path}[{index}]")

    def text(self) -> str:
        """Return the string. Bytes that are not UTF-8 are lone surrogates (PEP 383); others raise LaminixError."""
        self._check_text(self.expect(str))
        return self.raw

    def _check_text(self, text: str) -> None:
        try:
            if not text.isascii():
                text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise self.error(f"found half a surrogate pair in {text!r}, expected text") from None

    def number(self) -> int:
        """Return the whole number. Raises LaminixError if it is negative."""
        if self.expect(int) < 0:
            raise self.error(f"found {self.raw}, expected zero or more")
        return self.raw

    def texts(self) -> list[str]:
        """Return the strings of a list of strings."""
        return [element.text() for element in self]

    def text_map(self) -> dict[str, str]:
        """Return the members of an object in which all members are strings."""
        return {key: member.text() for key, member in self.items()}

    def only(self, known: Mapping[str, Any] | set[str]) -> None:
        """Raise LaminixError if the object has a key that is not in KNOWN."""
        for key, _ in self.items():
            if key not in known:
                raise self.error(f"unknown key {key!r}, expected one of {', '.join(sorted(known))}")
