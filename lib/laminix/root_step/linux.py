"""Linux calls that Python's standard library lacks, through ctypes: ptrace, prctl, mount, unshare.

Each raises OSError where the kernel refuses.
"""

import ctypes
import os
import struct
from ctypes import c_char_p, c_int, c_long, c_ulong, c_void_p

# include/uapi/linux/ptrace.h
PTRACE_CONT, PTRACE_SYSCALL = 7, 24
PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO = 0x4201, 0x4202
PTRACE_GETREGSET, PTRACE_SETREGSET = 0x4204, 0x4205
PTRACE_SEIZE, PTRACE_LISTEN = 0x4206, 0x4208
NT_PRSTATUS = 1  # the general registers

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 8, 22, 38

# include/uapi/linux/sched.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

# include/uapi/linux/mount.h
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MOUNT_ATTR_RDONLY = 1
MOUNT_SETATTR = 442  # the call's number on every architecture
AT_RECURSIVE = 0x8000

# include/uapi/linux/fcntl.h
AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = -100, 0x100, 0x400, 0x1000


class Iovec(ctypes.Structure):
    """struct iovec: a piece of memory."""

    _fields_ = [("base", c_void_p), ("length", c_ulong)]


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes, library.ptrace.restype = (c_long, c_long, c_void_p, c_void_p), c_long
    library.prctl.argtypes = (c_int, c_ulong, c_ulong, c_ulong, c_ulong)
    library.mount.argtypes = (c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
    library.syscall.restype = c_long
    for copy in library.process_vm_readv, library.process_vm_writev:
        copy.argtypes = (c_int, ctypes.POINTER(Iovec), c_ulong, ctypes.POINTER(Iovec), c_ulong, c_ulong)
        copy.restype = c_long
    return library


libc = _load()


def checked(result: int, name: str) -> int:
    """RESULT of the C function NAME; raises OSError, with that as its file name, where it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    """ptrace(2)."""
    checked(libc.ptrace(request, pid, address, data), "ptrace")


def prctl(option: int, value: int = 0, address: int = 0) -> None:
    """prctl(2)."""
    checked(libc.prctl(option, value, address, 0, 0), "prctl")


def unshare(flags: int) -> None:
    """unshare(2)."""
    checked(libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    words = [os.fsencode(word) for word in (source, target, kind)]
    checked(libc.mount(*words, flags, os.fsencode(options)), f"mount {kind or source}")


def unmount(path: str) -> None:
    """umount(2)."""
    checked(libc.umount(os.fsencode(path)), "umount")


def make_read_only(path: str) -> None:
    """Make the mount at PATH and all mounts below it read-only (mount_setattr(2), Linux 5.12).

    Unlike a remount it leaves the other flags alone, which a user namespace must not clear.
    """
    attributes = ctypes.create_string_buffer(struct.pack("=QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0))
    arguments = (c_int(AT_FDCWD), os.fsencode(path), c_int(AT_RECURSIVE), attributes, c_ulong(32))
    checked(libc.syscall(c_long(MOUNT_SETATTR), *arguments), "mount_setattr")
