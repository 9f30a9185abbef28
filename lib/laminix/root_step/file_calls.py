"""System calls on owners, modes, xattrs and device nodes, emulated on the records.

The program's call does not run.  Each function here does its work, on a file that is open as a descriptor,
and gives the call's result, negative for an error.
"""

import errno
import os
import stat
from collections.abc import Callable

from laminix.root_step.file_records import REAL_BITS, SET_ID_BITS, Attributes, FileRecords
from laminix.root_step.linux import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW
from laminix.root_step.parent_files import ParentFiles
from laminix.root_step.thread import Thread
from laminix.root_step.thread_ids import Ids

KEEP = 0xFFFFFFFF  # -1: leave this id as it is
XATTR_CREATE, XATTR_REPLACE = 1, 2
CAPABILITY = b"security.capability"
DEVICES = (stat.S_IFCHR, stat.S_IFBLK)


class FileCalls:
    """The calls of one thread, whose ids are IDS."""

    def __init__(self, thread: Thread, records: FileRecords, parent_files: ParentFiles, ids: Ids):
        self._thread = thread
        self._records = records
        self._parent_files = parent_files
        self._ids = ids

    def _set(self, file: int, attributes: Attributes) -> None:
        if attributes.kind == stat.S_IFDIR:
            self._copy_up(file)
        self._records.set(file, attributes)

    def _copy_up(self, directory: int) -> None:
        """Have overlayfs list a directory among what has changed, by a change that changes nothing."""
        status = os.fstat(directory)
        record = self._records.find(status)
        if record is None or not record.is_changed:
            times = (status.st_atime_ns, status.st_mtime_ns)
            os.utime(f"self/fd/{directory}", ns=times, dir_fd=self._thread.proc)

    def has_record(self, directory: int, path: int, flags: int) -> bool:
        """Whether there is a record of the file that the thread names; raises OSError if there is no such file."""
        return self._records.find(self._thread.stat(directory, path, flags)) is not None

    # Owners and modes.

    def set_owner(self, file: int, uid: int, gid: int) -> int:
        """chown(2).  The kernel takes setuid bits and capabilities away with it, from root too."""
        old = self._records.attributes(os.fstat(file))
        new = old._replace(
            uid=old.uid if uid & KEEP == KEEP else uid & KEEP,
            gid=old.gid if gid & KEEP == KEEP else gid & KEEP,
        )
        if old.kind != stat.S_IFDIR:
            lost = SET_ID_BITS if old.mode & stat.S_IXGRP else stat.S_ISUID
            kept = tuple(pair for pair in old.xattrs if pair[0] != CAPABILITY)
            new = new._replace(mode=old.mode & ~lost, xattrs=kept)
        self._set(file, new)
        return 0

    def lose_privileges(self, file: int) -> None:
        """What the kernel takes from a file that is written: capabilities, and setuid bits unless root writes."""
        record = self._records.find(os.fstat(file))
        if record is None:
            return
        old = record.attributes
        kept = tuple(pair for pair in old.xattrs if pair[0] != CAPABILITY)
        mode = old.mode & ~SET_ID_BITS if self._ids.users.effective and old.kind == stat.S_IFREG else old.mode
        if (kept, mode) != (old.xattrs, old.mode):
            self._set(file, old._replace(xattrs=kept, mode=mode))

    def set_mode(self, file: int, mode: int) -> int:
        """chmod(2)."""
        status = os.fstat(file)
        record = self._records.find(status)
        mode &= 0o7777
        if record is None or record.parent_path is None:
            if (status.st_mode ^ mode) & REAL_BITS:
                os.chmod(f"self/fd/{file}", mode & REAL_BITS, dir_fd=self._thread.proc)
            self._record_mode(file, mode)
        elif bool(status.st_mode & 0o111) == bool(mode & 0o111):
            self._record_mode(file, mode)
        else:  # whether it can be executed, only the file itself can tell the kernel
            copy = self._parent_files.make_own(file)
            if copy is not None:
                self.set_mode(copy, mode)
                os.close(copy)
        return 0

    def _record_mode(self, file: int, mode: int) -> None:
        self._set(file, self._records.attributes(os.fstat(file))._replace(mode=mode))

    # Extended attributes: those on the records and no others.

    def set_xattr(self, file: int, name: int, value: int, size: int, flags: int) -> int:
        """setxattr(2)."""
        key = self._thread.string(name)
        if key.startswith(b"system."):  # ACLs
            return -errno.EOPNOTSUPP
        old = self._records.attributes(os.fstat(file))
        xattrs = dict(old.xattrs)
        if flags & XATTR_CREATE and key in xattrs:
            return -errno.EEXIST
        if flags & XATTR_REPLACE and key not in xattrs:
            return -errno.ENODATA
        xattrs[key] = self._thread.read(value, size) if size else b""
        self._set(file, old._replace(xattrs=tuple(sorted(xattrs.items()))))
        return 0

    def remove_xattr(self, file: int, name: int) -> int:
        """removexattr(2)."""
        old = self._records.attributes(os.fstat(file))
        key = self._thread.string(name)
        if key not in dict(old.xattrs):
            return -errno.ENODATA
        self._set(file, old._replace(xattrs=tuple(pair for pair in old.xattrs if pair[0] != key)))
        return 0

    def get_xattr(self, file: int, name: int, address: int, size: int) -> int:
        """getxattr(2)."""
        xattrs = dict(self._records.attributes(os.fstat(file)).xattrs)
        value = xattrs.get(self._thread.string(name))
        return -errno.ENODATA if value is None else self._tell(value, address, size)

    def list_xattrs(self, file: int, address: int, size: int) -> int:
        """listxattr(2)."""
        xattrs = self._records.attributes(os.fstat(file)).xattrs
        return self._tell(b"".join(name + b"\0" for name, _ in xattrs), address, size)

    def _tell(self, data: bytes, address: int, size: int) -> int:
        if size and len(data) > size:
            return -errno.ERANGE
        if size and data:
            self._thread.write(address, data)
        return len(data)

    # New files.

    def make_device(self, directory: int, path: int, mode: int, device: int) -> int:
        """mknodat(2) of a device node: a plain file, recorded as the node."""
        umask = int(self._thread.status("Umask"), 8)
        permissions = mode & REAL_BITS & ~umask
        owner = self.owner_of_new(directory, path) or (self._ids.users.effective, self._ids.groups.effective)
        os.mknod(self._thread.find(directory, path), stat.S_IFREG | permissions)
        with self._thread.opened(directory, path, AT_SYMLINK_NOFOLLOW) as file:
            self._set(file, Attributes(stat.S_IFMT(mode), permissions, *owner, device & 0xFFFFFFFF))
        return 0

    def new_files_are_owned(self) -> bool:
        """Whether a file that the thread makes may have another owner or group than root."""
        return bool(self._ids.users.effective or self._ids.groups.effective or self._records.group_givers)

    def owner_of_new(self, directory: int, path: int) -> tuple[int, int] | None:
        """Owner and group of a file that the thread makes there; None where that is root."""
        if not self.new_files_are_owned():
            return None
        parent = self._status_of_parent(directory, path)
        uid, gid = self._ids.users.effective, self._ids.groups.effective
        if self._gives_group(parent):
            gid = self._records.attributes(parent).gid
        return (uid, gid) if uid or gid or self._gives_group(parent) else None

    def own_new(self, directory: int, path: int, owner: tuple[int, int]) -> None:
        """Record the owner of a file that the thread has just made."""
        gives_group = self._gives_group(self._status_of_parent(directory, path))
        with self._thread.opened(directory, path, AT_SYMLINK_NOFOLLOW) as file:
            new = self._records.attributes(os.fstat(file))._replace(uid=owner[0], gid=owner[1])
            if gives_group and new.kind == stat.S_IFDIR:
                new = new._replace(mode=new.mode | stat.S_ISGID)
            self._set(file, new)

    def _status_of_parent(self, directory: int, path: int) -> os.stat_result:
        return os.stat(os.path.dirname(self._thread.find(directory, path).rstrip(b"/")) or b".")

    def _gives_group(self, directory: os.stat_result) -> bool:
        return (directory.st_dev, directory.st_ino) in self._records.group_givers


# Which of a call's words name the file, and which are left: (directory, path, flags), the rest.
Words = tuple[int, ...]
Named = tuple[tuple[int, int, int], Words]


def _path(words: Words) -> Named:
    return (AT_FDCWD, words[0], 0), words[1:]


def _link(words: Words) -> Named:
    return (AT_FDCWD, words[0], AT_SYMLINK_NOFOLLOW), words[1:]


def _descriptor(words: Words) -> Named:
    return (words[0], 0, AT_EMPTY_PATH), words[1:]


def _path_at(words: Words) -> Named:
    return (words[0], words[1], 0), words[2:]


def _path_at_with_flags(index: int) -> Callable[[Words], Named]:
    return lambda words: ((words[0], words[1], words[index]), words[2:])


# By the call: how it names the file, what is done, and how many words more that takes.
CALLS: dict[str, tuple[Callable[[Words], Named], Callable[..., int], int]] = {
    "chown": (_path, FileCalls.set_owner, 2),
    "lchown": (_link, FileCalls.set_owner, 2),
    "fchown": (_descriptor, FileCalls.set_owner, 2),
    "fchownat": (_path_at_with_flags(4), FileCalls.set_owner, 2),
    "chmod": (_path, FileCalls.set_mode, 1),
    "fchmod": (_descriptor, FileCalls.set_mode, 1),
    "fchmodat": (_path_at, FileCalls.set_mode, 1),
    "fchmodat2": (_path_at_with_flags(3), FileCalls.set_mode, 1),
    "setxattr": (_path, FileCalls.set_xattr, 4),
    "lsetxattr": (_link, FileCalls.set_xattr, 4),
    "fsetxattr": (_descriptor, FileCalls.set_xattr, 4),
    "getxattr": (_path, FileCalls.get_xattr, 3),
    "lgetxattr": (_link, FileCalls.get_xattr, 3),
    "fgetxattr": (_descriptor, FileCalls.get_xattr, 3),
    "listxattr": (_path, FileCalls.list_xattrs, 2),
    "llistxattr": (_link, FileCalls.list_xattrs, 2),
    "flistxattr": (_descriptor, FileCalls.list_xattrs, 2),
    "removexattr": (_path, FileCalls.remove_xattr, 1),
    "lremovexattr": (_link, FileCalls.remove_xattr, 1),
    "fremovexattr": (_descriptor, FileCalls.remove_xattr, 1),
}
