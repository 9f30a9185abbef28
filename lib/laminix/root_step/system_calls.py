"""System call numbers, and where a machine's registers and structures have what the tracer reads.

Sources: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (arm64) for the
numbers; struct user_regs_struct, struct user_pt_regs and struct stat of both for the offsets.
"""

import platform
from dataclasses import dataclass

from laminix.errors import LaminixError

# x86_64 and aarch64; None where the machine has no such call.
NUMBERS: dict[str, tuple[int | None, int]] = {
    "access": (21, None),
    "chmod": (90, None),
    "chown": (92, None),
    "creat": (85, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "fgetxattr": (193, 10),
    "flistxattr": (196, 13),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "fstat": (5, 80),
    "futimesat": (261, None),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getgroups": (115, 158),
    "getresgid": (120, 150),
    "getresuid": (118, 148),
    "getuid": (102, 174),
    "getxattr": (191, 8),
    "getxattrat": (464, 464),
    "io_uring_setup": (425, 425),
    "lchown": (94, None),
    "lgetxattr": (192, 9),
    "link": (86, None),
    "linkat": (265, 37),
    "listxattr": (194, 11),
    "listxattrat": (465, 465),
    "llistxattr": (195, 12),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "lstat": (6, None),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "newfstatat": (262, 79),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "prctl": (157, 167),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "setfsgid": (123, 152),
    "setfsuid": (122, 151),
    "setgid": (106, 144),
    "setgroups": (116, 159),
    "setregid": (114, 143),
    "setresgid": (119, 149),
    "setresuid": (117, 147),
    "setreuid": (113, 145),
    "setuid": (105, 146),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "stat": (4, None),
    "statx": (332, 291),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "truncate": (76, 45),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}


@dataclass(frozen=True)
class Machine:
    """What differs between architectures."""

    audit: int  # AUDIT_ARCH_*, as seccomp names the architecture of a call
    x32_bit: int | None  # the calls from this number on are x32's
    registers: int  # how many 64-bit words PTRACE_GETREGSET gives
    number: int  # index of the call's number among them
    result: int
    arguments: tuple[int, ...]
    stat_mode: int  # offsets in struct stat, in bytes
    stat_owner: int
    stat_device: int
    stat_mtime: int
    numbers: dict[str, int]  # of the calls that the machine has


def this_machine() -> Machine:
    """The machine that this process runs on; raises LaminixError for one without a table here."""
    name = platform.machine()
    if name == "x86_64":
        return X86_64
    if name == "aarch64":
        return AARCH64
    raise LaminixError("cannot run a command as root", f"found machine {name!r}, expected x86_64 or aarch64")


X86_64 = Machine(
    audit=0xC000003E,
    x32_bit=0x40000000,
    registers=27,
    number=15,
    result=10,
    arguments=(14, 13, 12, 7, 9, 8),
    stat_mode=24,
    stat_owner=28,
    stat_device=40,
    stat_mtime=88,
    numbers={name: x86_64 for name, (x86_64, _) in NUMBERS.items() if x86_64 is not None},
)

AARCH64 = Machine(
    audit=0xC00000B7,
    x32_bit=None,
    registers=34,
    number=8,
    result=0,
    arguments=(0, 1, 2, 3, 4, 5),
    stat_mode=16,
    stat_owner=24,
    stat_device=32,
    stat_mtime=88,
    numbers={name: aarch64 for name, (_, aarch64) in NUMBERS.items()},
)
