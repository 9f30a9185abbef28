"""File capabilities: names of capabilities to the value of the xattr ``security.capability``.

The value is a vfs_cap_data of revision 2 (Linux, include/uapi/linux/capability.h). The text form is described in
cap_text_formats(7).
"""

import re
import struct

from laminix.strict_json import Value

XATTR = b"security.capability"
REVISION_2 = 0x02000000
EFFECTIVE = 0x000001

# In the order of their numbers, from CAP_CHOWN = 0.
NAMES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot "
    "sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease "
    "audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
    "perfmon bpf checkpoint_restore"
).split()
NUMBERS = {f"cap_{name}": number for number, name in enumerate(NAMES)}

CLAUSE = re.compile(r"(?P<names>[a-z_,]+)(?P<operator>[=+])(?P<flags>[eip]+)")


def read_capabilities(value: Value) -> bytes:
    """Return the value of the xattr for the capabilities in VALUE.

    VALUE is a list of names, each then permitted and effective, or text such as ``cap_net_raw,cap_net_admin=ep``,
    whose clauses apply from left to right. Raises LaminixError for an unknown name or flag, and if only some of the
    capabilities are effective: a file has one effective bit for all of them.
    """
    if isinstance(value.raw, list):
        clauses = [(element.text().lower(), "=", "ep", element) for element in value]
    else:
        clauses = [clause for word in value.text().lower().split() for clause in _clauses(word, value)]
    if not clauses:
        raise value.error("found no capability, expected names like cap_net_bind_service")
    flags: dict[int, set[str]] = {}
    for name, operator, letters, element in clauses:
        number = _number(name, element)
        flags[number] = set(letters) | (flags.get(number, set()) if operator == "+" else set())
    return _encode(flags, value)


def _clauses(word: str, value: Value) -> list[tuple[str, str, str, Value]]:
    match = CLAUSE.fullmatch(word)
    if not match:
        raise value.error(f"found {word!r}, expected NAMES=FLAGS like cap_net_raw,cap_net_admin=ep")
    return [(name, match["operator"], match["flags"], value) for name in match["names"].split(",")]


def _number(name: str, value: Value) -> int:
    if name not in NUMBERS:
        raise value.error(f"unknown capability {name!r}, expected a name like cap_net_raw")
    return NUMBERS[name]


def _encode(flags: dict[int, set[str]], value: Value) -> bytes:
    permitted, inheritable, effective = (_mask(flags, letter) for letter in "pie")
    if effective not in (0, permitted | inheritable):
        raise value.error(
            "expected all permitted and inheritable capabilities to be effective, or none; a file has one effective "
            "bit for all of them"
        )
    magic = REVISION_2 | (EFFECTIVE if effective else 0)
    low = 0xFFFFFFFF
    return struct.pack("<5I", magic, permitted & low, inheritable & low, permitted >> 32, inheritable >> 32)


def _mask(flags: dict[int, set[str]], letter: str) -> int:
    """Return a bit mask of the capabilities that have the flag LETTER."""
    return sum(1 << number for number, letters in flags.items() if letter in letters)
