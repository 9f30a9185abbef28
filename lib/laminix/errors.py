"""The one exception that a user is meant to see."""

import os


class LaminixError(Exception):
    """Faulty input, told in one line: ``WHAT: WHY (PATH)``.

    WHY gives what was found, what was expected and, where there is one, the remedy.
    """

    def __init__(self, what: str, why: str, path: str | bytes | os.PathLike | None = None):
        super().__init__(what, why, path)
        self.what = what
        self.why = why
        self.path = path

    def __str__(self) -> str:
        place = "" if self.path is None else f" ({shown(self.path)})"
        return one_line(f"{self.what}: {self.why}{place}")


def shown(path: str | bytes | os.PathLike) -> str:
    """The path as text for a message; bytes that are not UTF-8 as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """The text with everything that would break a line or steer a terminal written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
