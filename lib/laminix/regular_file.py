"""Read regular files only: opening a FIFO can block for ever, and a device may have no end."""

import os
import stat
from typing import BinaryIO

from laminix.errors import LaminixError

# Descriptors that the caller has opened, such as a shell's <(…). They may be pipes.
INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_regular_file(path: str | bytes) -> bytes:
    """Return the content of the file at PATH. Raises LaminixError if it is not a regular file."""
    inherited = os.fsdecode(path).startswith(INHERITED)
    with open(path, "rb") if inherited else open_regular_file(path) as file:
        return file.read()


def open_regular_file(path: str | bytes) -> BinaryIO:
    """Return the file at PATH, open for unbuffered reading. Raises LaminixError if it is not a regular file."""
    _check(os.stat(path), path)
    file = open(path, "rb", buffering=0, opener=_without_waiting)
    try:
        _check(os.fstat(file.fileno()), path)  # another file may have replaced it
    except LaminixError:
        file.close()
        raise
    return file


def _check(status: os.stat_result, path: str | bytes) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LaminixError("cannot read", f"found {kind_of(status.st_mode)}, expected a regular file", path)


def _without_waiting(path: str | bytes, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def kind_of(mode: int) -> str:
    """Return the type of a file with MODE in words, for an error."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a character device",
        stat.S_IFBLK: "a block device",
    }
    return kinds.get(stat.S_IFMT(mode), "something unknown")
