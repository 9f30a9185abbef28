"""Answers of system calls that are corrected before the program sees them: stat's, and access's.

The call itself runs, so the kernel resolves the path; a few bytes of what it wrote are then replaced.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from typing import Any

from laminix.root_step.file_records import UNMAPPED, FileRecords, Key, Record
from laminix.root_step.linux import Iovec, libc
from laminix.root_step.seccomp_filter import IF_ANY_BIT, Condition
from laminix.root_step.system_calls import Machine

# Which argument is the address of the structure.
STAT_CALLS = {"stat": 1, "lstat": 1, "fstat": 1, "newfstatat": 2}
STATX_CALLS = {"statx": 4}
# Which argument says what is asked for.
ACCESS_CALLS = {"access": 1, "faccessat": 2, "faccessat2": 2}

CONDITIONS = {name: Condition(index, IF_ANY_BIT, os.W_OK) for name, index in ACCESS_CALLS.items()}


class Answers:
    """Corrects the answers of calls on MACHINE by RECORDS."""

    def __init__(self, records: FileRecords, machine: Machine):
        self._records = records
        self._machine = machine
        self._buffer = ctypes.create_string_buffer(256)
        self._here, self._there = Iovec(ctypes.addressof(self._buffer)), Iovec()

    def correct(self, pid: int, name: str, words: Any, is_root: bool) -> bool:
        """Correct what the call NAME of thread PID has answered; whether its registers WORDS have changed."""
        if name in ACCESS_CALLS:
            return is_root and self._grant(words)
        if words[self._machine.result]:  # an error
            return False
        if name in STATX_CALLS:
            self._correct(pid, words[self._machine.arguments[STATX_CALLS[name]]], 256, _statx_key, self._fill_statx)
        else:
            self._correct(pid, words[self._machine.arguments[STAT_CALLS[name]]], 128, _stat_key, self._fill_stat)
        return False

    def _grant(self, words: Any) -> bool:
        """root may write to files of the parent's tree too, which the kernel sees as another user's."""
        if words[self._machine.result] != -errno.EACCES & 0xFFFFFFFFFFFFFFFF:
            return False
        words[self._machine.result] = 0
        return True

    def _correct(
        self, pid: int, address: int, size: int, key_in: Callable[[Any], Key], fill: Callable[[Record | None], bool]
    ) -> None:
        self._there.base = address
        self._there.length = self._here.length = size
        if libc.process_vm_readv(pid, self._here, 1, self._there, 1, 0) != size:
            return
        if fill(self._records.by_key.get(key_in(self._buffer))):
            libc.process_vm_writev(pid, self._here, 1, self._there, 1, 0)

    def _fill_stat(self, record: Record | None) -> bool:
        buffer, machine = self._buffer, self._machine
        if record is None:
            return self._map_ids(machine.stat_owner)
        kind, mode, uid, gid, device, _ = record.attributes
        struct.pack_into("=I", buffer, machine.stat_mode, kind | mode)
        struct.pack_into("=II", buffer, machine.stat_owner, uid, gid)
        if device:
            struct.pack_into("=Q", buffer, machine.stat_device, device)
        if record.mtime is not None:
            struct.pack_into("=qq", buffer, machine.stat_mtime, record.mtime, 0)
        return True

    def _fill_statx(self, record: Record | None) -> bool:
        """Offsets in struct statx, which is the same everywhere."""
        buffer = self._buffer
        if record is None:
            return self._map_ids(20)
        kind, mode, uid, gid, device, _ = record.attributes
        struct.pack_into("=IIH", buffer, 20, uid, gid, kind | mode)
        if device:
            struct.pack_into("=II", buffer, 128, os.major(device), os.minor(device))
        if record.mtime is not None:
            struct.pack_into("=qI", buffer, 112, record.mtime, 0)
        return True

    def _map_ids(self, offset: int) -> bool:
        """Show ids that are not mapped as root's; whether there was one."""
        ids = struct.unpack_from("=II", self._buffer, offset)
        if UNMAPPED not in ids:
            return False
        struct.pack_into("=II", self._buffer, offset, *(0 if number == UNMAPPED else number for number in ids))
        return True


def _stat_key(buffer: Any) -> Key:
    return struct.unpack_from("=QQ", buffer)


def _statx_key(buffer: Any) -> Key:
    return os.makedev(*struct.unpack_from("=II", buffer, 136)), *struct.unpack_from("=Q", buffer, 32)
