"""The exception whose message is shown to the user."""

import os


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


def shown(path: str | bytes | os.PathLike) -> str:
    """Return PATH as text for a message, with bytes that are not UTF-8 as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """Return TEXT with line breaks and control characters as backslash escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
