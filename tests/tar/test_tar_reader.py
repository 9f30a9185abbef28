"""tar_reader against the archives of tarfile, GNU tar and bsdtar, and against damaged ones."""

import io
import os
import random
import shutil
import subprocess
import tarfile

import pytest

from laminix.errors import LaminixError
from laminix.tar import reader as tar_reader
from laminix.tar.entries import CHARACTER_DEVICE, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
LONG_DIRECTORY = "d" * 90
LONG_NAME = "/".join(["deep" * 20] * 5)


class Unseekable(io.RawIOBase):
    """A stream that hands out what it has in small, uneven chunks."""

    def __init__(self, data):
        self._file = io.BytesIO(data)
        self._random = random.Random(len(data))

    def readable(self):
        return True

    def read(self, size=-1):
        assert size > 0
        return self._file.read(min(size, self._random.randrange(1, 5000)))


def member(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


def archive(*members, format=tarfile.PAX_FORMAT, **options):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format, **options) as tar:
        for info, content in members:
            tar.addfile(info, content)
    return file.getvalue()


def scanned(data):
    found = tar_reader.scan(io.BytesIO(data))
    return [(entry, data[offset : offset + entry.size]) for entry, offset in found]


def streamed(data):
    return [(entry, content.read()) for entry, content in tar_reader.read(Unseekable(data))]


def entries(data):
    """The entries with their contents, read both ways, which have to agree."""
    result = scanned(data)
    assert result == streamed(data)
    assert [entry for entry, _ in result] == [entry for entry, _ in tar_reader.read(io.BytesIO(data))]
    return result


def only(data):
    [(entry, content)] = entries(data)
    return entry, content


def error_of(data):
    messages = set()
    for reader in (scanned, streamed):
        with pytest.raises(LaminixError) as caught:
            reader(data)
        messages.add(str(caught.value))
    return " | ".join(sorted(messages))


def as_tarfile_sees_it(data):
    """Path, type, mode, ids, size, link and content of each member, in tarfile's opinion."""
    rows = []
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape", encoding="utf-8") as tar:
        for info in tar:
            content = tar.extractfile(info).read() if info.isreg() else b""
            kind = FILE if info.isreg() else info.type
            path = os.fsencode(info.name).removeprefix(b"./").strip(b"/")
            path = b"" if path == b"." else path
            link = os.fsencode(info.linkname) if kind in (HARD_LINK, SYMLINK) else b""
            mode, mtime = info.mode & 0o7777, int(info.mtime)
            rows.append((path, kind, mode, info.uid, info.gid, len(content), link, mtime, content))
    return rows


def as_we_see_it(data):
    return [
        (e.path, e.type, e.mode, e.owner.uid, e.owner.gid, e.size, e.link, e.mtime, content)
        for e, content in entries(data)
    ]


@pytest.fixture
def tree(tmp_path):
    """A tree with what trees hold: long and odd names, links of both kinds, an empty and a large file."""
    root = tmp_path / "tree"
    (root / LONG_NAME).mkdir(parents=True)
    (root / LONG_NAME / "file").write_bytes(b"at the end of a long path")
    (root / "empty").touch()
    (root / "large").write_bytes(random.Random(1).randbytes(200_001))
    (root / "link").symlink_to("x" * 150)
    (root / "short-link").symlink_to("large")
    os.link(root / "large", root / "twin")
    with open(os.fsencode(root) + b"/not-utf8-\xff", "wb") as file:
        file.write(b"\xff")
    os.mkfifo(root / "pipe")
    os.chmod(root / "large", 0o4755)
    return root


def made_by(tree, *command):
    return subprocess.run([*command, "."], cwd=tree, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("program", "format"),
    [("tar", format) for format in ("v7", "oldgnu", "gnu", "ustar", "posix")]
    + [("bsdtar", format) for format in ("v7", "gnutar", "ustar", "pax")],
)
def test_agrees_with_tarfile_about_other_tars(tree, need, program, format):
    need(program)
    if format in ("v7", "ustar"):
        shutil.rmtree(tree / LONG_NAME.split("/")[0])
        (tree / "link").unlink()
    if format == "v7":
        (tree / "pipe").unlink()
    data = made_by(tree, program, f"--format={format}", "-cf", "-")
    assert as_we_see_it(data) == as_tarfile_sees_it(data)
    assert len(entries(data)) >= 6


@pytest.mark.parametrize("format", FORMATS)
def test_agrees_with_tarfile_about_tarfile(format):
    members = [
        member(f"{LONG_DIRECTORY}/{LONG_DIRECTORY}", b"split at the slash"),
        member("dir", type=DIRECTORY, mode=0o1777),
        member("device", type=CHARACTER_DEVICE, devmajor=1, devminor=300),
        member("pipe", type=FIFO),
        member("f", b"x" * 512, uid=2097151, gid=7, uname="me", gname="us", mtime=123456789),
    ]
    data = archive(*members, format=FORMATS[format])
    assert as_we_see_it(data) == as_tarfile_sees_it(data)
    device, named = (dict((e.path, e) for e, _ in entries(data))[path] for path in (b"device", b"f"))
    assert device.device == (1, 300)
    assert (named.owner.uname, named.owner.gname) == (b"me", b"us")


@pytest.mark.parametrize("format", ["gnu", "pax"])
def test_reads_what_ustar_cannot_say(format):
    info = member("n" * 300, b"", uid=2**31, gid=2**32 - 2, linkname="t" * 300, type=SYMLINK, mtime=2**40)
    entry, _ = only(archive(info, format=FORMATS[format]))
    assert entry.path == b"n" * 300
    assert entry.link == b"t" * 300
    assert (entry.owner.uid, entry.owner.gid) == (2**31, 2**32 - 2)
    assert entry.mtime == 2**40


@pytest.mark.parametrize(("mtime", "seconds"), [(-5, -5), (1.75, 1), (-1.25, -2)])
def test_rounds_times_down_to_seconds(mtime, seconds):
    assert only(archive(member("f", mtime=mtime)))[0].mtime == seconds


def test_reads_a_negative_time_in_base_256():
    assert only(archive(member("f", mtime=-5), format=tarfile.GNU_FORMAT))[0].mtime == -5


def test_reads_extended_attributes_sorted():
    headers = {"SCHILY.xattr.user.b": "2", "SCHILY.xattr.security.capability": "\x01\udcff", "comment": "no"}
    entry, _ = only(archive(member("f", pax_headers=headers)))
    assert [name for name, _ in entry.xattrs] == [b"security.capability", b"user.b"]


def test_ignores_global_headers_as_engines_do():
    data = archive(
        member("a"), member("b", pax_headers={"gid": "3"}), pax_headers={"uname": "everyone", "comment": "c"}
    )
    assert [(e.owner.uname, e.owner.gid) for e, _ in entries(data)] == [(b"", 0), (b"", 3)]


@pytest.mark.parametrize(
    ("written", "path"),
    [("./a", b"a"), ("/a/b", b"a/b"), ("a//b/./c", b"a/b/c"), (".hidden", b".hidden"), ("a/..b", b"a/..b")],
)
def test_normalises_member_names(written, path):
    assert only(archive(member(written)))[0].path == path


def test_gives_the_root_the_empty_path():
    assert only(archive(member("./", type=DIRECTORY)))[0].path == b""


def test_takes_an_old_file_with_a_slash_for_a_directory():
    assert only(archive(member("d/", type=tarfile.AREGTYPE)))[0].type == DIRECTORY


def test_takes_only_permissions_from_modes():
    """Old tars put the file's type there as well."""
    data = bytearray(archive(member("f", mode=0o0644), format=tarfile.GNU_FORMAT))
    data[100:108] = b"0100644\0"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert only(bytes(data))[0].mode == 0o644


def test_scan_gives_no_member_whose_content_is_cut_off():
    data = archive(member("a"), member("b", b"x" * 1000))
    found = tar_reader.scan(io.BytesIO(data[:1100]))
    assert next(found)[0].path == b"a"
    with pytest.raises(LaminixError, match="it ends within 'b'"):
        next(found)


def test_content_may_be_read_in_chunks_or_left():
    data = archive(member("a", b"abcdef"), member("b", b"x" * 100_000), member("c", b"last"))
    chunks = []
    for entry, content in tar_reader.read(Unseekable(data)):
        if entry.path != b"b":
            chunks.append((content.read(2), content.read(100), content.read(1)))
    assert chunks == [(b"ab", b"cdef", b""), (b"la", b"st", b"")]


def test_reads_a_stream_to_its_end():
    stream = io.BytesIO(archive(member("a")) + bytes(100_000))
    assert len(list(tar_reader.read(stream))) == 1
    assert stream.read() == b""


@pytest.mark.parametrize("data", [b"", bytes(512), bytes(1024), bytes(10240)], ids=len)
def test_reads_empty_layers(data):
    assert entries(data) == []


@pytest.mark.parametrize("end", [0, 512])
def test_reads_an_archive_without_an_end_marker(end):
    data = archive(member("a", b"1"))
    assert only(data[: 1024 + end])[1] == b"1"


@pytest.mark.parametrize("length", [1, 511, 513, 1023, 1024, 1124])
def test_says_that_an_archive_is_truncated(length):
    data = archive(member("a"), member("b", b"x" * 1000))
    message = error_of(data[:length])
    assert "truncated" in message


def test_says_that_an_extended_header_is_truncated():
    data = archive(member("n" * 300))
    assert "truncated" in error_of(data[:600])
    assert "truncated" in error_of(data[:1024])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"garbage!" * 100, "not a tar archive"),
        (archive(member("a")).replace(b"a", b"b", 1), "not a tar archive"),
        (archive(member("a", b"1"))[:1024] + b"x" * 512, "damaged: expected a header"),
        (bytes(512) + archive(member("a")), "expected two zero blocks"),
        (archive(member("a/../../b")), "expected one without '..'"),
        (archive(member("..")), "expected one without '..'"),
        (archive(member("s", type=tarfile.GNUTYPE_SPARSE)), "sparse"),
        (archive(member("s", pax_headers={"GNU.sparse.major": "1"})), "sparse"),
        (archive(member("q", type=b"Q")), "has type 'Q'"),
        (archive(member("", type=FILE)), "as the name of a member, expected a path"),
        (archive(member("f", pax_headers={"uid": "many"})), "'f': uid: found 'many' in a PAX header, expected"),
        (archive(member("f", pax_headers={"mtime": "x.5"})), "'f': mtime: found 'x.5' in a PAX header"),
        (archive(member("f", pax_headers={"size": "-5"})), "'f': size: found '-5' in a PAX header"),
    ],
    ids=str,
)
def test_says_what_is_wrong(data, why):
    assert why in error_of(data)


class Asked(io.RawIOBase):
    """A stream that knows the largest read it was asked for."""

    def __init__(self, data):
        self._file, self.largest = io.BytesIO(data), 0

    def read(self, size=-1):
        self.largest = max(self.largest, size)
        return self._file.read(size)


def test_a_false_size_takes_no_memory():
    """Python makes room for all that a read asks for before it reads."""
    info = tarfile.TarInfo("f")
    info.size = 1 << 32
    stream = Asked(info.tobuf() + bytes(1024))
    with pytest.raises(LaminixError, match="truncated"):
        for _, content in tar_reader.read(stream):
            content.read()
    assert stream.largest <= tar_reader.LARGEST_READ


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_an_extended_header_has_a_limit(kind):
    info = tarfile.TarInfo("f")
    info.type, info.size = kind, tar_reader.EXTENSION_LIMIT + 1
    data = info.tobuf() + bytes(info.size + 1023)
    assert error_of(data) == f"bad tar archive: extended header is too large: {info.size} bytes (limit 1048576)"


def test_says_that_a_pax_record_is_damaged():
    data = archive(member("f", pax_headers={"uname": "me"}))
    assert "PAX header" in error_of(data.replace(b"12 uname=me", b"99 uname=me"))


def test_a_flipped_bit_in_a_header_never_passes():
    data = archive(member("some/file", b"content"), format=tarfile.USTAR_FORMAT)
    for position in [*range(148), *range(156, 512)]:  # the checksum may be padded in several ways
        flipped = bytearray(data)
        flipped[position] ^= 0x10
        with pytest.raises(LaminixError):
            list(tar_reader.scan(io.BytesIO(flipped)))


def test_reads_the_signed_checksums_of_old_tars():
    data = bytearray(archive(member("caf\xe9"), format=tarfile.USTAR_FORMAT, encoding="latin-1"))
    data[148:156] = b" " * 8
    signed = sum(byte - 256 * (byte > 127) for byte in data[:512])
    data[148:156] = b"%06o\0 " % signed
    assert only(bytes(data))[0].path == b"caf\xe9"


def test_scan_jumps_over_contents(tmp_path):
    path = tmp_path / "sparse.tar"
    info, _ = member("huge")
    info.size = 1 << 40
    with open(path, "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + (1 << 40) + 1024)
    with open(path, "rb") as file:
        [(entry, offset)] = tar_reader.scan(file)
    assert (entry.size, offset) == (1 << 40, 512)
