"""Tars written block by block, for headers that no library would write."""

import struct

BLOCK = 512
END = bytes(2 * BLOCK)
FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12s")
USTAR, GNU, V7 = b"ustar\x0000", b"ustar  \0", b"\0" * 8


def header(name: bytes, kind: bytes = b"0", size: int | bytes = 0, magic: bytes = USTAR, **fields: bytes) -> bytes:
    """One header block with a correct checksum; FIELDS (and SIZE, if it is bytes) are written as they are given."""
    block = FIELDS.pack(
        name,
        fields.get("mode", b"0000755\0"),
        fields.get("uid", b"0000000\0"),
        fields.get("gid", b"0000000\0"),
        b"%011o\0" % size if isinstance(size, int) else size,
        fields.get("mtime", b"00000000001\0"),
        b" " * 8,
        kind,
        fields.get("link", b""),
        magic,
        b"",
        b"",
        fields.get("major", b""),
        fields.get("minor", b""),
        fields.get("prefix", b""),
        fields.get("rest", b""),
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def member(name: bytes, data: bytes = b"", kind: bytes = b"0", **fields) -> bytes:
    """A header and DATA behind it."""
    return header(name, kind, **{"size": len(data), **fields}) + padded(data)


def padded(data: bytes) -> bytes:
    """DATA, filled up with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    """A record of a PAX header: its length, KEY and VALUE."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def pax(kind: bytes = b"x", **records: bytes) -> bytes:
    """A PAX header of RECORDS, for one member (``x``) or for all that follow (``g``)."""
    data = b"".join(record(key.encode(), value) for key, value in records.items())
    return member(b"PaxHeaders/x", data, kind)


def long_name(name: bytes, kind: bytes = b"L") -> bytes:
    """GNU tar's header for a long name (``L``) or link (``K``)."""
    return member(b"././@LongLink", name + b"\0", kind, magic=GNU)
