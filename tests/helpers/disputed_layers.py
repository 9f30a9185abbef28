"""Layers that tar readers read in different ways: by name, the tar and what container engines make of it."""

from raw_tar import END, GNU, long_name, member, pax

LONG = b"long" * 30

LAYERS: dict[str, tuple[bytes, dict[str, bytes]]] = {
    name: (tar + END, {path: b"x" for path in paths})
    for name, tar, *paths in (
        ("a long name, then a PAX path", long_name(LONG) + pax(path=b"pax") + member(b"s", b"x"), LONG.decode()),
        ("a PAX path, then a long name", pax(path=b"pax") + long_name(LONG) + member(b"s", b"x"), LONG.decode()),
        ("two long names", long_name(b"one") + long_name(b"two") + member(b"s", b"x"), "two"),
        ("two PAX paths", pax(path=b"one") + pax(path=b"two") + member(b"s", b"x"), "two"),
        ("a PAX path, then a PAX header without", pax(path=b"one") + pax(mtime=b"9") + member(b"s", b"x"), "s"),
        ("an empty PAX path", pax(path=b"") + member(b"s", b"x"), "s"),
        ("a global path", pax(b"g", path=b"global") + member(b"s", b"x") + member(b"t", b"x"), "s", "t"),
        ("a global size", pax(b"g", size=b"0") + member(b"s", b"x") + member(b"t", b"x"), "s", "t"),
        ("a PAX path, then a global comment", pax(path=b"one") + pax(b"g", comment=b"c") + member(b"s", b"x"), "s"),
        ("GNU with a prefix", member(b"s", b"x", magic=GNU, prefix=b"prefix"), "prefix/s"),
        ("GNU with a time for prefix", member(b"s", b"x", magic=GNU, prefix=b"00000000001\0"), "s"),
        ("v7 with a prefix", member(b"s", b"x", magic=bytes(8), prefix=b"prefix"), "s"),
        ("star with a prefix", member(b"s", b"x", prefix=b"prefix", rest=bytes(8) + b"tar\0"), "prefix/s"),
        ("more behind the end", member(b"s", b"x") + END + member(b"t", b"x"), "s"),
    )
}

# Those among them that verify-image reports.
REPORTED = frozenset(
    {
        "a long name, then a PAX path",
        "a PAX path, then a long name",
        "two PAX paths",
        "a PAX path, then a PAX header without",
        "a global path",
        "a global size",
        "a PAX path, then a global comment",
    }
)

REFUSED = {
    "a zero byte in a PAX path": pax(path=b"a\0b") + member(b"s") + END,
    "a zero byte in a PAX link": pax(linkpath=b"a\0b") + member(b"s", kind=b"2") + END,
    "a zero byte in an owner's name": pax(uname=b"a\0b") + member(b"s") + END,
    "a PAX header of Solaris": pax(b"X", path=b"one") + member(b"s") + END,
    "a contiguous file": member(b"s", kind=b"7") + END,
    "an unknown type": member(b"s", kind=b"Z") + END,
    "one block of zeros between members": member(b"s") + bytes(512) + member(b"t") + END,
}

# On a layer with the directory etc and the file etc/f, all of these hide etc/f.
WHITEOUTS = {
    "a directory": member(b".wh.etc/", kind=b"5") + END,
    "a link": member(b".wh.etc", kind=b"2", link=b"keep") + END,
    "a file with content": member(b".wh.etc", b"content") + END,
    "an opaque directory": member(b"etc/.wh..wh..opq/", kind=b"5") + END,
}

WHITEOUTS_OF_NOTHING = {
    f"{directory}{name}": member(f"{directory}{name}".encode()) + END
    for directory in ("", "etc/")
    for name in (".wh.", ".wh..", ".wh...")
}
