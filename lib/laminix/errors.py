"""The exception whose message is shown to the user."""

import contextlib
import os
from collections.abc import Iterator

MAX_LINE = 2000  # characters of a message: a hostile image can name a thing with a megabyte
KEPT_END = 500  # of these, the last ones


class LaminixError(Exception):
    """An error in the input, with a message of one line: ``WHAT: WHY (PATH)``.

    WHY says what was found, what was expected and, if possible, the remedy.
    """

    def __init__(self, what: str, why: str, path: str | bytes | os.PathLike | None = None):
        super().__init__(what, why, path)
        self.what = what
        self.why = why
        self.path = path

    def __str__(self) -> str:
        place = "" if self.path is None else f" ({shown(self.path)})"
        return one_line(f"{self.what}: {self.why}{place}")


class UsageError(LaminixError):
    """The value of an option is not one that it takes: wrong usage, exit status 2."""


@contextlib.contextmanager
def values_of_options() -> Iterator[None]:
    """Raise a LaminixError of the block, which checks values of options, as UsageError."""
    try:
        yield
    except LaminixError as error:
        raise UsageError(error.what, error.why, error.path) from None


def shown(path: str | bytes | os.PathLike) -> str:
    """Return PATH as text for a message, with bytes that are not UTF-8 as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """Return TEXT with line breaks and control characters as backslash escapes; the middle of a long text is cut."""
    cut = _cut(text)
    if cut.isprintable():
        return cut
    return _cut("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut))


def _cut(text: str) -> str:
    """Return TEXT if it is no longer than MAX_LINE; otherwise its start and its end, where a path is."""
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - KEPT_END - 1]}…{text[-KEPT_END:]}"


def printable(text: str) -> str:
    """Return TEXT, of many lines, with control characters, bidirectional marks and their like as JSON escapes.

    JSON text stays JSON with the same values; other text stays readable. Either can go to a terminal. Bytes that are
    not UTF-8 (PEP 383) stay what they are, unless together they are UTF-8.
    """
    if text.replace("\n", "").isprintable():
        return text
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return "".join(c if c == "\n" or c.isprintable() or "\udc80" <= c <= "\udcff" else _json_escape(c) for c in text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
