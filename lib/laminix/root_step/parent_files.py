"""Files of the parent's tree, copied to the step's own tree before a program writes to them.

overlayfs would copy them itself, but not where the tree belongs to another user, as the Nix store does on
every multi-user installation; and a file that overlayfs copied may get another inode number, by which its
record would be lost.
"""

import contextlib
import os
import stat

from laminix.root_step.file_records import FileRecords, Record
from laminix.root_step.thread import go_to

DRAFT = b".laminix-copy"  # the name of a copy while it is written
PIECE = 1 << 20  # bytes


class ParentFiles:
    """The files of the parent's tree, as they are seen in the merged tree that is open as MERGED."""

    def __init__(self, records: FileRecords, merged: int):
        self._records = records
        self._merged = merged

    def make_own(self, descriptor: int, with_content: bool = True) -> int | None:
        """Replace the file open as DESCRIPTOR, if it is of the parent's tree, by a copy.

        The copy has the same path, content (unless it is to be emptied anyway), attributes and time.
        Returns a descriptor (O_PATH) of it, None where there is nothing to copy.
        Changes this process's root and working directory.
        """
        status = os.fstat(descriptor)
        record = self._records.find(status)
        if record is None or record.parent_path is None:
            return None
        os.fchdir(self._merged)
        os.chroot(".")
        # A program may still have a file open whose name is gone.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if os.path.samestat(os.lstat(record.parent_path), status):
                return self._replace(record, with_content)
        return None

    def _replace(self, record: Record, with_content: bool) -> int:
        path = record.parent_path
        directory, name = os.path.split(path)
        go_to(directory or b".", self._merged)  # so that no path gets too long
        if stat.S_ISLNK(record.attributes.kind):
            os.symlink(os.readlink(name), DRAFT)
        elif stat.S_ISFIFO(record.attributes.kind):
            os.mkfifo(DRAFT)
        else:
            _copy(name, DRAFT, record.attributes.mode & 0o777, with_content)
        os.utime(DRAFT, (record.mtime, record.mtime), follow_symlinks=False)
        os.rename(DRAFT, name)
        copy = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._records.set(copy, record.attributes)
        return copy


def _copy(source: bytes, target: bytes, mode: int, with_content: bool) -> None:
    with contextlib.ExitStack() as stack:
        new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, new)
        os.fchmod(new, mode)
        if with_content:
            old = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            stack.callback(os.close, old)
            while os.sendfile(new, old, None, PIECE):
                pass
