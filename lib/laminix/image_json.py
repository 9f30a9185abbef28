"""JSON documents of images, read as Go's encoding/json reads them into the structures of container engines.

All engines are Go programs. They take a key of a structure in any letter case, the last of repeated keys (objects are
united), null as if the key were absent, and bytes that are not UTF-8 as U+FFFD. Our own documents are read by
``strict_json``, which rejects all of this.

What is a structure is told by a shape: a dictionary of keys and shapes for a structure, a list of one shape for a list,
``Map`` for an object whose keys are data, TEXT for a string, and None for anything.
"""

import codecs
from collections.abc import Callable
from typing import Any, NamedTuple, Union

from laminix.errors import LaminixError
from laminix.strict_json import Value, parse_text

MAX_CONTAINERS = 250_000  # objects and lists in one document: each takes memory, however few bytes it has
REPLACEMENT = "\ufffd"
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
FOLDS = {0x17F: "s", 0x212A: "k"}  # Go takes the long s and the Kelvin sign for letters, too (unicode.SimpleFold)

TEXT = "text"


class Map(NamedTuple):
    """An object whose keys are data, such as labels."""

    members: "Shape"


Shape = Union[None, str, Map, dict[str, "Shape"], list["Shape"]]
Report = Callable[[str], None]


class _Object(list):
    """The members of an object in the order of the document, repeated ones included."""

    __slots__ = ()


def loads(data: bytes, shape: Shape, what: str, place: object = None, report: Report | None = None) -> Value:
    """Return the document in DATA, with the keys of structures as SHAPE spells them.

    WHAT is the start of its errors ("bad manifest"), PLACE the path it came from. Calls REPORT for all that programs
    in other languages read in another way. Raises LaminixError if DATA is not JSON in UTF-8.
    """
    if data.startswith(MARKS):
        raise LaminixError(what, "found a byte order mark, expected JSON in UTF-8 without one", place)
    refuse_many_containers(data, what, place)
    reading = _Reading(report)
    return parse_text(reading.text(data), _Object, lambda raw: reading.value(raw, shape, ""), what, place)


def refuse_many_containers(data: bytes, what: str, place: object = None) -> None:
    """Raise LaminixError (WHAT, …, PLACE) if the JSON in DATA would take too much memory."""
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS:
        raise LaminixError(what, f"too many objects and lists (limit {MAX_CONTAINERS})", place)


class _Reading:
    """One document being read."""

    def __init__(self, report: Report | None):
        self._report = report

    def _tell(self, path: str, what: str) -> None:
        if self._report is not None:
            self._report(f"{path}: {what}" if path else what)

    def text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self._tell("", "found bytes that are not UTF-8, which engines read as U+FFFD")
            return data.decode("utf-8", "replace")

    def value(self, raw: Any, shape: Shape, path: str) -> Any:
        """Return RAW as SHAPE has it."""
        if isinstance(raw, _Object):
            return self._object(raw, shape, path)
        if isinstance(raw, list):
            inner = shape[0] if isinstance(shape, list) else None
            return [self._element(element, inner, f"{path}[{index}]") for index, element in enumerate(raw)]
        return _without_lone_surrogates(raw) if isinstance(raw, str) else raw

    def _element(self, raw: Any, shape: Shape, path: str) -> Any:
        """Return the value RAW in a list or map, where null is an empty string if strings are expected."""
        return "" if raw is None and shape == TEXT else self.value(raw, shape, path)

    def _object(self, raw: _Object, shape: Shape, path: str) -> dict[str, Any]:
        spellings = {_fold(key): key for key in shape} if isinstance(shape, dict) else {}
        members: dict[str, Any] = {}
        for written, value in raw:
            key = _without_lone_surrogates(spellings.get(_fold(written), written))
            if key != written:
                self._tell(path, f"key {written!r} is read as {key!r} by engines")
            if key in members:
                self._tell(path, f"repeated key {key!r}; engines read the last one, or unite objects")
                value = _united(members[key], value)
            members[key] = value
        if isinstance(shape, Map):
            return {key: self._element(value, shape.members, _join(path, key)) for key, value in members.items()}
        shapes = shape if isinstance(shape, dict) else {}
        return {key: self.value(value, shapes.get(key), _join(path, key)) for key, value in members.items()}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _fold(key: str) -> str:
    return key.translate(FOLDS).lower()


def _united(first: Any, second: Any) -> Any:
    """Return what engines read if a key has the value FIRST and then SECOND."""
    if isinstance(first, _Object) and isinstance(second, _Object):
        return _Object(first + second)
    # Null empties a list, and leaves all else as it is.
    return first if second is None and not isinstance(first, list) else second


def _without_lone_surrogates(text: str) -> str:
    """Return TEXT with U+FFFD for each half of a surrogate pair, but for bytes that are not UTF-8 (PEP 383)."""
    try:
        if not text.isascii():
            text.encode("utf-8", "surrogateescape")
        return text
    except UnicodeEncodeError:
        return "".join(REPLACEMENT if "\ud800" <= c <= "\udfff" else c for c in text)
