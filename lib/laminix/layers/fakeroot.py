"""What fakeroot remembers: owners and modes that files have for the programs run under it (faked(1))."""

import os
import re
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

from laminix.errors import LaminixError
from laminix.regular_file import kind_of, read_regular_file

LINE = re.compile(rb"dev=([0-9a-f]+),ino=(\d+),mode=([0-7]+),uid=(\d+),gid=(\d+),nlink=\d+,rdev=\d+")


class Pretence(NamedTuple):
    """What fakeroot says of a file in place of the system."""

    mode: int  # file type included
    uid: int
    gid: int


Database = dict[tuple[int, int], Pretence]  # by device and inode


def read_database(path: str) -> Database:
    """What ``fakeroot -s PATH`` saved.  Raises LaminixError for a line that is none of its own."""
    found: Database = {}
    for number, line in enumerate(read_regular_file(path).splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None:
            expected = "expected dev=…,ino=…,mode=…,uid=…,gid=…,nlink=…,rdev=… as fakeroot -s saves it"
            raise LaminixError("bad fakeroot database", f"line {number}: {expected}", path)
        device, inode, mode, uid, gid = match.groups()
        found[int(device, 16), int(inode)] = Pretence(int(mode, 8), int(uid), int(gid))
    return found


def rules(tree: str, database: Database, uid: int, gid: int) -> list[dict[str, Any]]:
    """The rules (as --perms takes them) that give the entries of TREE their owners and modes, in order of path.

    What the database does not know belongs to UID and GID.  An entry that 0 owns, with the mode that it has
    on disk, needs no rule.  Raises LaminixError for what is a device to the database.
    """
    found = []
    for path, item in _walk(os.fsencode(tree), b""):
        real = item.stat(follow_symlinks=False)
        pretence = database.get((real.st_dev, real.st_ino), Pretence(real.st_mode, uid, gid))
        rule = _rule(real.st_mode, pretence, item.path)
        if rule:
            found.append({"path": os.fsdecode(path), **rule})
    return found


def _walk(directory: bytes, prefix: bytes) -> Iterator[tuple[bytes, os.DirEntry]]:
    """Each entry below DIRECTORY and its path there, a directory before its contents, names bytewise."""
    with os.scandir(directory) as scan:
        items = sorted(scan, key=lambda item: item.name)
    for item in items:
        yield prefix + item.name, item
        if item.is_dir(follow_symlinks=False):
            yield from _walk(item.path, prefix + item.name + b"/")


def _rule(real_mode: int, pretence: Pretence, path: bytes) -> dict[str, Any]:
    """The fields that a rule has to set for an entry to look like PRETENCE."""
    rule: dict[str, Any] = {}
    if stat.S_IFMT(pretence.mode) != stat.S_IFMT(real_mode):
        why = f"fakeroot has it as {kind_of(pretence.mode)}; a layer takes files, directories and links"
        raise LaminixError("cannot pack", why, path)
    # A layer does not keep the setuid and setgid bits of what it copies, only those of rules.
    kept = stat.S_IMODE(real_mode) & ~(stat.S_ISUID | stat.S_ISGID)
    if stat.S_IMODE(pretence.mode) != kept:
        rule["mode"] = f"{stat.S_IMODE(pretence.mode):04o}"
    if pretence.uid:
        rule["uid"] = pretence.uid
    if pretence.gid:
        rule["gid"] = pretence.gid
    return rule
