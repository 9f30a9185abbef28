"""Users and groups that threads believe to be, and the system calls that ask for and change them.

To the kernel every thread stays root of its namespace, in which no other id exists (credentials(7)).
"""

import errno
import struct
from typing import NamedTuple

from laminix.root_step.thread import Thread, signed

KEEP = 0xFFFFFFFF  # -1: leave this id as it is


class Triple(NamedTuple):
    """The ids of one kind."""

    real: int = 0
    effective: int = 0
    saved: int = 0


class Ids(NamedTuple):
    """Who a thread believes to be."""

    users: Triple = Triple()
    groups: Triple = Triple()
    supplementary: tuple[int, ...] = (0,)
    keeps_capabilities: bool = False  # prctl(PR_SET_KEEPCAPS)

    @property
    def is_privileged(self) -> bool:
        """Whether it may take on any id."""
        return self.users.effective == 0 or self.keeps_capabilities


ROOT = Ids()


class ThreadIds:
    """The ids of all threads; those of root are not listed."""

    def __init__(self):
        self._by_thread: dict[int, Ids] = {}

    def of(self, pid: int) -> Ids:
        """The ids of the thread PID."""
        return self._by_thread.get(pid, ROOT)

    def set(self, pid: int, ids: Ids) -> None:
        """Let the thread PID have IDS."""
        self._by_thread[pid] = ids

    def inherit(self, parent: int, child: int) -> None:
        """Let the new thread CHILD have the ids of PARENT."""
        if parent in self._by_thread:
            self._by_thread[child] = self._by_thread[parent]

    def forget(self, pid: int) -> None:
        """The thread PID has ended."""
        self._by_thread.pop(pid, None)


class IdCalls:
    """The calls of one thread.  Each returns the call's result, negative for an error."""

    def __init__(self, thread: Thread, all_ids: ThreadIds):
        self._thread = thread
        self._all = all_ids

    @property
    def ids(self) -> Ids:
        """Who the thread believes to be."""
        return self._all.of(self._thread.pid)

    def _change(self, kind: str, *wanted: int) -> int:
        """Set the triple KIND to what is WANTED of real, effective and saved id."""
        old: Triple = getattr(self.ids, kind)
        new = Triple(*(was if word & KEEP == KEEP else word & KEEP for was, word in zip(old, wanted)))
        if not self.ids.is_privileged and not set(new) <= set(old):
            return -errno.EPERM
        self._all.set(self._thread.pid, self.ids._replace(**{kind: new}))
        return 0

    def _set_one(self, kind: str, wanted: int) -> int:
        """As setuid(2): root sets all three, others the effective one."""
        is_root = self.ids.users.effective == 0
        return self._change(kind, *(wanted,) * 3 if is_root else (KEEP, wanted, KEEP))

    def _set_two(self, kind: str, real: int, effective: int) -> int:
        """As setreuid(2): the saved id follows the effective one where the real id is set or left."""
        old: Triple = getattr(self.ids, kind)
        new = old.effective if effective & KEEP == KEEP else effective & KEEP
        follows = real & KEEP != KEEP or new != old.real
        return self._change(kind, real, effective, new if follows else KEEP)

    def _tell(self, ids: Triple, *addresses: int) -> int:
        for number, address in zip(ids, addresses):
            self._thread.write(address, struct.pack("=I", number))
        return 0

    def setuid(self, uid: int) -> int:
        return self._set_one("users", uid)

    def setgid(self, gid: int) -> int:
        return self._set_one("groups", gid)

    def setreuid(self, real: int, effective: int) -> int:
        return self._set_two("users", real, effective)

    def setregid(self, real: int, effective: int) -> int:
        return self._set_two("groups", real, effective)

    def setresuid(self, real: int, effective: int, saved: int) -> int:
        return self._change("users", real, effective, saved)

    def setresgid(self, real: int, effective: int, saved: int) -> int:
        return self._change("groups", real, effective, saved)

    def setfsuid(self, uid: int) -> int:
        return self.ids.users.effective

    def setfsgid(self, gid: int) -> int:
        return self.ids.groups.effective

    def setgroups(self, count: int, address: int) -> int:
        if not self.ids.is_privileged:
            return -errno.EPERM
        groups = struct.unpack(f"={count}I", self._thread.read(address, 4 * count)) if count else ()
        self._all.set(self._thread.pid, self.ids._replace(supplementary=tuple(sorted(groups))))
        return 0

    def getuid(self) -> int:
        return self.ids.users.real

    def geteuid(self) -> int:
        return self.ids.users.effective

    def getgid(self) -> int:
        return self.ids.groups.real

    def getegid(self) -> int:
        return self.ids.groups.effective

    def getresuid(self, real: int, effective: int, saved: int) -> int:
        return self._tell(self.ids.users, real, effective, saved)

    def getresgid(self, real: int, effective: int, saved: int) -> int:
        return self._tell(self.ids.groups, real, effective, saved)

    def getgroups(self, size: int, address: int) -> int:
        groups = self.ids.supplementary
        if signed(size) and len(groups) > signed(size):
            return -errno.EINVAL
        if signed(size) and groups:
            self._thread.write(address, struct.pack(f"={len(groups)}I", *groups))
        return len(groups)

    def prctl(self, option: int, value: int) -> int:
        """PR_SET_KEEPCAPS; no other option comes here."""
        self._all.set(self._thread.pid, self.ids._replace(keeps_capabilities=bool(value)))
        return 0
