"""What files would be, had a real root done what the traced programs did to them.

A record has owner, mode, xattrs and, for device nodes, type and number.  Files without a record are what the
file system says.  Records are found by (st_dev, st_ino), which a thread's stat and the tracer's see alike.

Two kinds of file have records.  Files of the parent lie in a read-only tree: their inodes never change and
their modes and owners there mean nothing (the Nix store keeps neither), so each has a record from the start.
All other files get one when something is set that the file system cannot keep; an open descriptor then keeps
the inode from being freed, or a new file could get its number and with it the record.
"""

import os
import resource
import signal
import stat
from typing import NamedTuple

from laminix.root_step import linux

SET_ID_BITS = stat.S_ISUID | stat.S_ISGID
REAL_BITS = 0o1777  # what an unprivileged chmod may set
SPARE_DESCRIPTORS = 64
UNMAPPED = 65534  # the id that the kernel shows for ids outside the user namespace

Key = tuple[int, int]


class Attributes(NamedTuple):
    """What a record says of a file."""

    kind: int  # stat.S_IF...
    mode: int  # all twelve permission bits
    uid: int = 0
    gid: int = 0
    device: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()  # sorted by name


class Record:
    """The attributes of one file."""

    __slots__ = ("attributes", "parent_path", "mtime", "is_changed")

    def __init__(self, attributes: Attributes, parent_path: bytes | None = None, mtime: int | None = None):
        self.attributes = attributes
        self.parent_path = parent_path  # of a file that lies in the parent's tree: its path there
        self.mtime = mtime  # of such a file: seconds since the epoch
        self.is_changed = False  # whether a program has changed the attributes


def key_of(status: os.stat_result) -> Key:
    """What identifies the file with this STATUS."""
    return status.st_dev, status.st_ino


def attributes_of(status: os.stat_result) -> Attributes:
    """What the file system itself says; ids that are not mapped count as root's."""
    uid, gid = (0 if number == UNMAPPED else number for number in (status.st_uid, status.st_gid))
    mode = status.st_mode
    return Attributes(stat.S_IFMT(mode), stat.S_IMODE(mode), uid, gid, status.st_rdev)


class FileRecords:
    """All records."""

    def __init__(self):
        self.by_key: dict[Key, Record] = {}
        self.group_givers: set[Key] = set()  # setgid directories: what is made in them gets their group
        self._held: dict[Key, int] = {}  # descriptors that keep inodes
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._most_held = most - SPARE_DESCRIPTORS

    def add_parents_file(self, key: Key, attributes: Attributes, path: bytes, mtime: int) -> None:
        """Record a file of the parent's tree, which nothing can free."""
        self.by_key[key] = Record(attributes, path, mtime)

    def find(self, status: os.stat_result) -> Record | None:
        """The record of the file with this STATUS, if there is one."""
        return self.by_key.get(key_of(status))

    def attributes(self, status: os.stat_result) -> Attributes:
        """What the file with this STATUS is to look like."""
        record = self.by_key.get(key_of(status))
        return attributes_of(status) if record is None else record.attributes

    def set(self, descriptor: int, attributes: Attributes, by_program: bool = True) -> None:
        """Have the file that is open as DESCRIPTOR look like ATTRIBUTES, as a program in the step wants it."""
        status = os.fstat(descriptor)
        key = key_of(status)
        record = self.by_key.get(key)
        if record is None:
            if attributes == attributes_of(status):
                return
            self._hold(key, descriptor)
            record = self.by_key[key] = Record(attributes)
        record.attributes = attributes
        record.is_changed = record.is_changed or by_program
        if attributes.kind == stat.S_IFDIR:
            gives = attributes.mode & stat.S_ISGID
            (self.group_givers.add if gives else self.group_givers.discard)(key)

    def changed_parents_files(self) -> list[Record]:
        """The records of files in the parent's tree that programs have changed."""
        return [record for record in self.by_key.values() if record.is_changed and record.parent_path is not None]

    def _hold(self, key: Key, descriptor: int) -> None:
        if len(self._held) >= self._most_held:
            self._make_room()
        self._held[key] = os.dup(descriptor)

    def _make_room(self) -> None:
        """Forget files that are gone; leave the descriptors of the others to a process of their own.

        A process has a limited number of descriptors, and a child gets copies of all of them.
        """
        for key, descriptor in list(self._held.items()):
            if os.fstat(descriptor).st_nlink == 0:
                del self.by_key[key]
                self._let_go(key)
        if os.fork() == 0:
            _hold_until_killed()
        for key in list(self._held):
            self._let_go(key)

    def _let_go(self, key: Key) -> None:
        os.close(self._held.pop(key))


def _hold_until_killed() -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    while True:
        signal.pause()
