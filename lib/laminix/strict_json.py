"""JSON, read strictly and written the same way every time.

A value travels with the JSON path that leads to it, so that every complaint says where:
``config.Env[2]: found a number, expected a string``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from laminix.errors import LaminixError

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
    """The value as JSON: UTF-8, keys as the value orders them, no blanks, a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate (Python's stand-in for a byte that is not UTF-8) stays what it is, as JSON's escape.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def loads(data: bytes, what: str, place: object = None) -> "Value":
    """The document in DATA.  WHAT names it in errors ("bad manifest"), PLACE is where it came from.

    Raises LaminixError for text that is not JSON, for a key given twice, and for NaN, infinity and their like.
    """
    try:
        text = data.decode(json.detect_encoding(data))
        hooks = {"object_pairs_hook": _no_repeats, "parse_constant": _no_constant, "parse_float": _fraction}
        return Value(json.loads(text, **hooks), what, place)
    except RecursionError:
        raise LaminixError(what, "nested too deeply to be read", place) from None
    except ValueError as error:
        raise LaminixError(what, f"not JSON: {error}", place) from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {repeated!r} stands twice in one object")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits} is too large a number")
    return number


class Value:
    """A JSON value, the document it belongs to and the path that leads to it from there."""

    __slots__ = ("raw", "what", "place", "path")

    def __init__(self, raw: Any, what: str, place: object = None, path: str = ""):
        self.raw = raw
        self.what = what
        self.place = place
        self.path = path

    def error(self, why: str) -> LaminixError:
        """The error that says WHY at this path; for the caller to raise."""
        return LaminixError(self.what, f"{self.path}: {why}" if self.path else why, self.place)

    def expect(self, *kinds: type) -> Any:
        """The raw value, which has to be of one of KINDS (a boolean is no whole number)."""
        if type(self.raw) in kinds:
            return self.raw
        wanted = " or ".join(NAMES[kind] for kind in kinds)
        raise self.error(f"found {NAMES[type(self.raw)]}, expected {wanted}")

    def __getitem__(self, key: str) -> "Value":
        """The member KEY of an object; a missing one is an error."""
        members = self.expect(dict)
        if key not in members:
            raise self.error(f"the key {key!r} is missing")
        return self._member(key)

    def get(self, key: str) -> "Value | None":
        """The member KEY of an object, or None where it is missing or null."""
        return None if self.expect(dict).get(key) is None else self._member(key)

    def _member(self, key: str) -> "Value":
        return Value(self.raw[key], self.what, self.place, f"{self.path}.{key}" if self.path else key)

    def items(self) -> Iterator[tuple[str, "Value"]]:
        """The members of an object, in the document's order."""
        for key in self.expect(dict):
            self._check_text(key)
            yield key, self._member(key)

    def __iter__(self) -> Iterator["Value"]:
        """The elements of a list."""
        for index, raw in enumerate(self.expect(list)):
            yield Value(raw, self.what, self.place, f"{self.path}[{index}]")

    def text(self) -> str:
        """The string; a lone surrogate in it is a byte that is not UTF-8 (PEP 383), any other is an error."""
        self._check_text(self.expect(str))
        return self.raw

    def _check_text(self, text: str) -> None:
        try:
            if not text.isascii():
                text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise self.error(f"{text!r} has half a surrogate pair in it, which is no text") from None

    def number(self) -> int:
        """The whole number, which has to be zero or more."""
        if self.expect(int) < 0:
            raise self.error(f"found {self.raw}, expected zero or more")
        return self.raw

    def texts(self) -> list[str]:
        """The strings of a list of strings."""
        return [element.text() for element in self]

    def text_map(self) -> dict[str, str]:
        """The members of an object whose members are all strings."""
        return {key: member.text() for key, member in self.items()}

    def only(self, known: Mapping[str, Any] | set[str]) -> None:
        """Raises LaminixError if the object has a key that is not among KNOWN."""
        for key, _ in self.items():
            if key not in known:
                raise self.error(f"unknown key {key!r}, expected one of {', '.join(sorted(known))}")
