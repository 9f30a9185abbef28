"""Databases that fakeroot saves: the owners and modes of files as programs under fakeroot see them (faked(1))."""

import os
import re
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

from laminix.directory_trees import walk
from laminix.errors import LaminixError
from laminix.regular_file import kind_of, read_regular_file

LINE = re.compile(
    rb"dev=([0-9a-f]{1,16}),ino=(\d{1,20}),mode=([0-7]{1,11}),uid=(\d{1,10}),gid=(\d{1,10}),nlink=\d+,rdev=\d+"
)


class FakeStatus(NamedTuple):
    """Mode and owner of a file under fakeroot."""

    mode: int  # file type included
    uid: int
    gid: int


Database = dict[tuple[int, int], FakeStatus]  # by device and inode


def read_database(path: str) -> Database:
    """Return the database that ``fakeroot -s PATH`` saved. Raises LaminixError for a malformed line."""
    found: Database = {}
    for number, line in enumerate(read_regular_file(path).splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None:
            expected = "expected dev=…,ino=…,mode=…,uid=…,gid=…,nlink=…,rdev=… as fakeroot -s saves it"
            raise LaminixError("bad fakeroot database", f"line {number}: {expected}", path)
        device, inode, mode, uid, gid = match.groups()
        found[int(device, 16), int(inode)] = FakeStatus(int(mode, 8), int(uid), int(gid))
    return found


def rules(tree: str, database: Database, uid: int, gid: int) -> list[dict[str, Any]]:
    """Return rules for --perms that set the owners and modes of the entries of TREE, sorted by path.

    Files missing from the database get UID and GID. An entry owned by 0 whose mode is the mode on disk needs no
    rule. Raises LaminixError if the database gives a file another type, such as a device.
    """
    found = []
    for path, item in _walk(os.fsencode(tree)):
        real = item.stat(follow_symlinks=False)
        fake = database.get((real.st_dev, real.st_ino), FakeStatus(real.st_mode, uid, gid))
        rule = _rule(real.st_mode, fake, item.path)
        if rule:
            found.append({"path": os.fsdecode(path), **rule})
    return found


def _walk(directory: bytes) -> Iterator[tuple[bytes, os.DirEntry]]:
    """Yield relative path and entry of everything below DIRECTORY: directories first, names in bytewise order."""
    for item in walk(directory):
        yield item.path[len(directory) :].lstrip(b"/"), item


def _rule(real_mode: int, fake: FakeStatus, path: bytes) -> dict[str, Any]:
    """Return the fields of a rule that gives an entry the mode and owner in FAKE; empty if none is needed."""
    rule: dict[str, Any] = {}
    if stat.S_IFMT(fake.mode) != stat.S_IFMT(real_mode):
        why = f"found {kind_of(fake.mode)} under fakeroot, expected a file, a directory or a symbolic link"
        raise LaminixError("cannot pack", why, path)
    # Copies lose their setuid and setgid bits; only rules set them.
    kept = stat.S_IMODE(real_mode) & ~(stat.S_ISUID | stat.S_ISGID)
    if stat.S_IMODE(fake.mode) != kept:
        rule["mode"] = f"{stat.S_IMODE(fake.mode):04o}"
    if fake.uid:
        rule["uid"] = fake.uid
    if fake.gid:
        rule["gid"] = fake.gid
    return rule
