"""tar_writer against the programs that read its archives: Python's tarfile, GNU tar, bsdtar."""

import io
import os
import random
import string
import subprocess
import tarfile

import pytest

from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry, Owner
from laminix.tar.writer import BLOCK, END, header, padding, split

LARGEST = 8 << 30  # the first size that needs more than eleven octal digits
READERS = {
    # UTF-8 is the locale in which bsdtar takes the most names, and so the one to find complaints in.
    "GNU tar": ["tar", "--utc", "--full-time", "--numeric-owner", "--quoting-style=escape", "-tvf", "-"],
    "bsdtar": ["bsdtar", "-tvf", "-"],
}


def archive(*entries: Entry, content: bytes = b"") -> bytes:
    """The tar of ENTRIES; a file has as much of CONTENT as its size says."""
    members = (header(entry) + content[: entry.size] + padding(entry.size) for entry in entries)
    return b"".join(members) + END


def as_read(data: bytes) -> list[Entry]:
    """The entries as Python's tarfile reads them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [entry_of(info) for info in tar]


def entry_of(info: tarfile.TarInfo) -> Entry:
    def encoded(text):
        return text.encode("utf-8", "surrogateescape")

    xattrs = {k: v for k, v in info.pax_headers.items() if k.startswith("SCHILY.xattr.")}
    return Entry(
        encoded(info.name),
        info.type,
        info.mode,
        Owner(info.uid, info.gid, encoded(info.uname), encoded(info.gname)),
        int(info.mtime),
        info.size,
        encoded(info.linkname),
        xattrs=tuple((encoded(k.removeprefix("SCHILY.xattr.")), encoded(v)) for k, v in xattrs.items()),
    )


def keywords(data: bytes) -> list[str]:
    """The keywords of all PAX records in the archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [key for info in tar for key in info.pax_headers]


def listed(reader: str, data: bytes) -> list[str]:
    """The lines that a program lists the archive with; it has to be without complaint."""
    how = {"input": data, "capture_output": True, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}
    done = subprocess.run(READERS[reader], **how)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()


def random_entries(seed: int) -> list[Entry]:
    """Entries that take every field to and over what ustar can say."""
    rng = random.Random(seed)
    paths = {random_path(rng) for _ in range(30)}
    return [random_entry(rng, path) for path in sorted(paths)]


def random_path(rng: random.Random) -> bytes:
    name = bytes(rng.choices(string.ascii_letters.encode() + " =ä".encode() + b"\xff\x80", k=rng.randint(1, 120)))
    directories = [b"d" * rng.choice([1, 9, 50, 99, 100, 154]) for _ in range(rng.randrange(5))]
    return b"/".join([*directories, name])


def random_entry(rng: random.Random, path: bytes) -> Entry:
    type = rng.choice([FILE, DIRECTORY, SYMLINK])
    xattrs = {b"user.%d" % rng.randrange(9): rng.randbytes(rng.randrange(200)) for _ in range(rng.randrange(3))}
    return Entry(
        path,
        type,
        rng.randrange(0o10000),
        Owner(
            *rng.choices([0, 1, 2**21 - 1, 2**21, 2**32 - 2], k=2),
            *rng.choices([b"", b"a" * 31, b"b" * 32], k=2),
        ),
        rng.choice([0, 1, 2**33 - 1, 2**33]),
        rng.choice([0, 1, 511, 512, 513]) if type == FILE else 0,
        random_path(rng) if type == SYMLINK else b"",
        xattrs=tuple(sorted(xattrs.items())),
    )


@pytest.mark.parametrize("seed", range(30))
def test_reads_back_equal(seed):
    entries = random_entries(seed)
    assert as_read(archive(*entries, content=bytes(513))) == entries


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("seed", range(5))
def test_is_read_without_complaint(need, reader, seed):
    need(READERS[reader][0])
    # Of a long path that is not UTF-8 bsdtar says that it is none, and takes it all the same.  Only the PAX
    # record hdrcharset would silence it, which other readers do not know.
    entries = [entry for entry in random_entries(seed) if reader == "GNU tar" or is_plain_or_utf8(entry)]
    assert len(listed(reader, archive(*entries, content=bytes(513)))) == len(entries)


def is_plain_or_utf8(entry: Entry) -> bool:
    try:
        (entry.path + entry.link).decode()
    except UnicodeDecodeError:
        return b"path=" not in header(entry)
    return True


@pytest.mark.parametrize("seed", range(10))
def test_is_whole_blocks_and_a_pure_function(seed):
    for entry in random_entries(seed):
        assert len(header(entry)) % BLOCK == 0
        assert header(entry) == header(entry._replace(path=bytes(bytearray(entry.path))))


@pytest.mark.parametrize(
    "entry, expected",
    [
        (Entry(b"n" * 100, FILE, 0o644), []),
        (Entry(b"n" * 101, FILE, 0o644), ["path"]),
        (Entry(b"n" * 99, DIRECTORY, 0o755), []),
        (Entry(b"n" * 100, DIRECTORY, 0o755), ["path"]),  # with its slash a byte too long
        (Entry(b"p" * 155 + b"/" + b"n" * 100, FILE, 0o644), []),
        (Entry(b"p" * 156 + b"/" + b"n" * 100, FILE, 0o644), ["path"]),
        (Entry(b"p" * 155 + b"/" + b"n" * 101, FILE, 0o644), ["path"]),
        (Entry("ä".encode() * 50, FILE, 0o644), []),
        (Entry(b"\xff" * 100, FILE, 0o644), []),
        (Entry(b"l", SYMLINK, 0o777, link=b"t" * 100), []),
        (Entry(b"l", SYMLINK, 0o777, link=b"t" * 101), ["linkpath"]),
        (Entry(b"f", FILE, 0o644, Owner(2**21 - 1, 2**21 - 1)), []),
        (Entry(b"f", FILE, 0o644, Owner(2**21, 0)), ["uid"]),
        (Entry(b"f", FILE, 0o644, Owner(0, 2**21)), ["gid"]),
        (Entry(b"f", FILE, 0o644, Owner(0, 0, b"u" * 31, b"g" * 31)), []),
        (Entry(b"f", FILE, 0o644, Owner(0, 0, b"u" * 32, b"g" * 32)), ["uname", "gname"]),
        (Entry(b"f", FILE, 0o644, mtime=2**33 - 1), []),
        (Entry(b"f", FILE, 0o644, mtime=2**33), ["mtime"]),
        (Entry(b"f", FILE, 0o644, xattrs=((b"user.a", b""),)), ["SCHILY.xattr.user.a"]),
    ],
)
def test_has_pax_records_only_for_what_ustar_cannot_say(entry, expected):
    assert keywords(archive(entry)) == expected
    assert as_read(archive(entry)) == [entry]


@pytest.mark.parametrize("size, records", [(LARGEST - 1, []), (LARGEST, ["size"]), (1 << 40, ["size"])])
def test_says_sizes_over_8_gib(size, records):
    block = header(Entry(b"large", FILE, 0o644, size=size))
    info = tarfile.TarFile(fileobj=io.BytesIO(block + END)).next()
    assert (info.size, list(info.pax_headers)) == (size, records)


@pytest.mark.parametrize(
    "name, prefix, rest",
    [
        (b"short", b"", b"short"),
        (b"a/" * 49 + b"bc", b"", b"a/" * 49 + b"bc"),
        (b"a/" * 100 + b"b", b"a/" * 77 + b"a", b"a/" * 22 + b"b"),  # the last slash that fits, not the first
        (b"d" * 120 + b"/" + b"e" * 30 + b"/f", b"d" * 120 + b"/" + b"e" * 30, b"f"),
        (b"d" * 120 + b"/" + b"e" * 40 + b"/", b"d" * 120, b"e" * 40 + b"/"),
        (b"d" * 110 + b"/", b"", None),
        (b"/" + b"d" * 105, b"", None),
        (b"d" * 156 + b"/e", b"", None),
    ],
)
def test_splits_at_the_last_slash_that_fits(name, prefix, rest):
    assert split(name) == (prefix, rest)


@pytest.mark.parametrize("length", [0, 1, 100, 500, 65536])
def test_keeps_binary_xattrs(length):
    value = bytes(range(256)) * 256
    entry = Entry(b"f", FILE, 0o644, xattrs=((b"security.x", value[:length]), (b"user.b", b"\n=\0")))
    assert as_read(archive(entry)) == [entry]


@pytest.mark.parametrize("length", range(80, 110))
def test_record_lengths_count_their_own_digits(length):
    entry = Entry(b"f", FILE, 0o644, xattrs=((b"user.a", b"x" * (length - len("SCHILY.xattr.user.a"))),))
    assert as_read(archive(entry)) == [entry]


def test_extracts_xattrs_with_gnu_tar(need, tmp_path):
    need("tar", root=True)
    entry = Entry(b"f", FILE, 0o644, xattrs=((b"user.note", b"a\0\xff\n="),))
    argv = ["tar", "--xattrs", "--xattrs-include=*", "-C", str(tmp_path), "-xf", "-"]
    done = subprocess.run(argv, input=archive(entry), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.getxattr(tmp_path / "f", "user.note") == b"a\0\xff\n="


def test_a_header_byte_by_byte():
    block = header(Entry(b"bin/sh", FILE, 0o555, Owner(1, 2, b"u", b"g"), mtime=1, size=8))
    fields = [
        b"bin/sh".ljust(100, b"\0"),
        b"0000555\0",
        b"0000001\0",
        b"0000002\0",
        b"00000000010\0",
        b"00000000001\0",
    ]
    after = [
        b"0",
        bytes(100),
        b"ustar\0",
        b"00",
        b"u".ljust(32, b"\0"),
        b"g".ljust(32, b"\0"),
        b"0000000\0" * 2,
    ]
    blank = b"".join([*fields, b" " * 8, *after]).ljust(BLOCK, b"\0")
    assert block == blank.replace(b" " * 8, b"%06o\0 " % sum(blank))


def test_relative_names_with_a_slash_after_directories():
    names = [entry.path for entry in (Entry(b"a", DIRECTORY, 0o755), Entry(b"a/b", FILE, 0o644))]
    data = archive(Entry(b"a", DIRECTORY, 0o755), Entry(b"a/b", FILE, 0o644))
    assert [data[offset : offset + 100].rstrip(b"\0") for offset in (0, BLOCK)] == [names[0] + b"/", names[1]]


def test_ends_with_two_zero_blocks_and_no_more():
    assert archive() == bytes(1024)
