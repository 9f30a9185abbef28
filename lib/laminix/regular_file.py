"""Regular files, and nothing else opened: a FIFO could block for ever, a device give no end."""

import os
import stat
from typing import BinaryIO

from laminix.errors import LaminixError

# Descriptors that whoever called us has opened, such as a shell's <(…).
INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_regular_file(path: str | bytes) -> bytes:
    """The content of the file at PATH; raises LaminixError where it is no regular file."""
    inherited = os.fsdecode(path).startswith(INHERITED)
    with open(path, "rb") if inherited else open_regular_file(path) as file:
        return file.read()


def open_regular_file(path: str | bytes) -> BinaryIO:
    """The file at PATH, open for reading and unbuffered; raises LaminixError where it is no regular file."""
    _check(os.stat(path), path)
    file = open(path, "rb", buffering=0, opener=_without_waiting)
    try:
        _check(os.fstat(file.fileno()), path)  # something else may have taken its place
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
    """What a file of this mode is, in words for an error."""
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
