"""File capabilities: from their names to the value of the xattr ``security.capability``.

The value is a vfs_cap_data of revision 2 (Linux, include/uapi/linux/capability.h); the text form is that
of cap_text_formats(7).
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

CLAUSE = re.compile(r"(?P<names>[a-z_,]+)[=+](?P<flags>[eip]+)")


def read_capabilities(value: Value) -> bytes:
    """The xattr's value for a list of names, each permitted and effective, or for a text such as
    ``cap_net_raw,cap_net_admin=ep``.

    Raises LaminixError for names and flags that are not known, and for some capabilities effective and
    others not: a file has one bit for all.
    """
    if isinstance(value.raw, list):
        clauses = [(name, "ep", element) for name, element in ((e.text().lower(), e) for e in value)]
    else:
        clauses = [clause for word in value.text().lower().split() for clause in _clauses(word, value)]
    if not clauses:
        raise value.error("names no capability, expected some like cap_net_bind_service")
    return _encode(clauses, value)


def _clauses(word: str, value: Value) -> list[tuple[str, str, Value]]:
    match = CLAUSE.fullmatch(word)
    if not match:
        raise value.error(f"found {word!r}, expected NAMES=FLAGS like cap_net_raw,cap_net_admin=ep")
    return [(name, match["flags"], value) for name in match["names"].split(",")]


def _encode(clauses: list[tuple[str, str, Value]], value: Value) -> bytes:
    permitted = inheritable = 0
    for name, flags, element in clauses:
        if name not in NUMBERS:
            raise element.error(f"found {name!r}, which is no capability (they are called cap_…)")
        bit = 1 << NUMBERS[name]
        permitted |= bit if "p" in flags else 0
        inheritable |= bit if "i" in flags else 0
    effective = {"e" in flags for _, flags, _ in clauses}
    if len(effective) > 1:
        raise value.error("some are effective and others are not; a file has one bit for all of them")
    magic = REVISION_2 | (EFFECTIVE if effective == {True} else 0)
    low = 0xFFFFFFFF
    return struct.pack("<5I", magic, permitted & low, inheritable & low, permitted >> 32, inheritable >> 32)
