"""Users by name or number, as a container's --user and an image's User give them (config.md, User)."""

from collections.abc import Callable
from dataclasses import dataclass

from laminix.decimal_digits import number_up_to
from laminix.errors import LaminixError
from laminix.regular_file import open_regular_file
from laminix.root_step.thread_ids import Ids, Triple

WHAT = "bad user"
LARGEST_ID = 2**32 - 2

MOST_TEXT = 1 << 20  # bytes read of /etc/passwd and /etc/group

Rows = list[list[str]]


@dataclass(frozen=True)
class User:
    """Who runs a command."""

    ids: Ids
    home: str


def find_user(text: str, read: Callable[[str], str]) -> User:
    """The user that TEXT, ``USER[:GROUP]``, names; READ gives the text of a file, empty where there is none.

    Raises LaminixError for a name that /etc/passwd or /etc/group lacks.
    """
    name, colon, group = text.partition(":")
    passwd, groups = _rows(read("/etc/passwd"), 7), _rows(read("/etc/group"), 4)
    row = next((row for row in passwd if name in (row[0], row[2])), None)
    if row is None and not _is_id(name):
        raise LaminixError(WHAT, f"{name!r} is not in /etc/passwd, and no number from 0 to {LARGEST_ID}")
    uid = _id(name if row is None else row[2])
    gid = _group(group, groups) if colon else _id(row[3]) if row is not None else 0
    login = row[0] if row is not None else None
    members = () if colon else (_id(each[2]) for each in groups if login in each[3].split(","))
    ids = Ids(Triple(uid, uid, uid), Triple(gid, gid, gid), tuple(sorted({gid, *members})))
    return User(ids, row[5] if row is not None and row[5] else "/")


def read_start(path: str) -> str:
    """The text of the regular file at PATH, as far as it is read to find a user.

    Raises LaminixError for any other file: an image can have a FIFO there, or a link to a device.
    """
    with open_regular_file(path) as file:
        return file.read(MOST_TEXT).decode("utf-8", "surrogateescape")


def _group(name: str, groups: Rows) -> int:
    for row in groups:
        if name == row[0]:
            return _id(row[2])
    if not _is_id(name):
        raise LaminixError(WHAT, f"the group {name!r} is not in /etc/group, and no number from 0 to {LARGEST_ID}")
    return _id(name)


def _rows(text: str, fields: int) -> Rows:
    """The rows of a file like passwd(5) that are whole."""
    rows = [line.split(":") for line in text.splitlines()]
    numbers = (2, 3) if fields == 7 else (2,)
    return [row for row in rows if len(row) == fields and all(_is_id(row[number]) for number in numbers)]


def _is_id(text: str) -> bool:
    return _id(text) is not None


def _id(text: str) -> int | None:
    """The ID in TEXT; None if it is none."""
    return number_up_to(LARGEST_ID, text)
