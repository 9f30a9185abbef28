"""A traced thread, as the tracer reaches it: its memory, and the files that it names."""

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator

from laminix.root_step.linux import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Iovec, checked, libc

PAGE = 4096
PIECE = 256  # bytes that are read of a string at once; most paths are shorter
MOST_PATH = 4096  # bytes of a path, as the kernel has it


def signed(word: int) -> int:
    """The lower half of a register as a C int."""
    return (word & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def go_to(place: bytes | str, directory: int) -> None:
    """Work in the directory PLACE, as seen from the open DIRECTORY, whatever the root is."""
    descriptor = os.open(place, os.O_PATH | os.O_DIRECTORY, dir_fd=directory)
    os.fchdir(descriptor)
    os.close(descriptor)


def _follows(address: int, flags: int) -> bool:
    """Whether a link is followed. An empty path names an open file, and the kernel's link to that always is."""
    return not flags & AT_SYMLINK_NOFOLLOW or not address


class Thread:
    """A thread that is stopped in a system call."""

    def __init__(self, pid: int, proc: int):
        self.pid = pid
        self.proc = proc  # a descriptor of /proc, in which the thread's ID is PID
        self._is_root_here = False  # whether this process has the thread's root

    # Memory.

    def read(self, address: int, length: int) -> bytes:
        """LENGTH bytes at ADDRESS; raises OSError (EFAULT) where there is no such memory."""
        buffer = ctypes.create_string_buffer(length)
        here, there = Iovec(ctypes.addressof(buffer), length), Iovec(address, length)
        count = checked(libc.process_vm_readv(self.pid, here, 1, there, 1, 0), "process_vm_readv")
        return buffer.raw[:count]

    def write(self, address: int, data: bytes) -> None:
        """Write DATA to ADDRESS."""
        buffer = ctypes.create_string_buffer(data, len(data))
        here, there = Iovec(ctypes.addressof(buffer), len(data)), Iovec(address, len(data))
        checked(libc.process_vm_writev(self.pid, here, 1, there, 1, 0), "process_vm_writev")

    def string(self, address: int) -> bytes:
        """The text at ADDRESS up to its zero byte."""
        text = b""
        while b"\0" not in text:
            if len(text) > MOST_PATH:
                raise OSError(errno.ENAMETOOLONG, "path too long")
            start = address + len(text)
            text += self.read(start, min(PIECE, PAGE - start % PAGE))  # the next page need not exist
        return text[: text.index(b"\0")]

    # Files.

    def find(self, directory: int, address: int, flags: int = 0) -> bytes:
        """Go where the thread is, so that its path means the same here; returns the path.

        DIRECTORY is the number of the thread's descriptor or AT_FDCWD, ADDRESS is that of the path.
        Changes this process's root and working directory.
        """
        path = self.string(address) if address else b""
        own = b"%d/" % self.pid
        base = own + (b"cwd" if signed(directory) == AT_FDCWD else b"fd/%d" % signed(directory))
        if not path and not flags & AT_EMPTY_PATH:
            raise FileNotFoundError(errno.ENOENT, "empty path")
        for prefix, real in (b"/proc/self/", own), (b"/proc/thread-self/", own), (b"/dev/fd/", own + b"fd/"):
            if path.startswith(prefix):  # these mean something else to the tracer
                base, path = real + path[len(prefix) :], b""
        if not path:
            os.fchdir(self.proc)
            return base
        if not self._is_root_here:
            go_to(own + b"root", self.proc)
            os.chroot(".")
            self._is_root_here = True
        if not path.startswith(b"/"):
            go_to(base, self.proc)
        return path

    def left(self) -> None:
        """Other work may have changed this process's root."""
        self._is_root_here = False

    def stat(self, directory: int, address: int, flags: int = 0) -> os.stat_result:
        """The status of the file that the thread names, as ``find`` has it."""
        path = self.find(directory, address, flags)
        return os.stat(path, follow_symlinks=_follows(address, flags))

    @contextlib.contextmanager
    def opened(self, directory: int, address: int, flags: int = 0) -> Iterator[int]:
        """A descriptor (O_PATH) of the file that the thread names, as ``find`` has it."""
        path = self.find(directory, address, flags)
        nofollow = 0 if _follows(address, flags) else os.O_NOFOLLOW
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | nofollow)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def status(self, field: str) -> str:
        """A field of the thread's /proc/PID/status."""
        descriptor = os.open(f"{self.pid}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc)
        with open(descriptor) as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:"))
