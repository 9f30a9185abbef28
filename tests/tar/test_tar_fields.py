"""Numbers in tars, each within its range: in headers, octal and base 256, and in PAX records."""

import io
import itertools
import tarfile

import pytest

from laminix.errors import LaminixError
from laminix.tar import reader
from laminix.tar.entries import CHARACTER_DEVICE, DIRECTORY, FILE

# Where each field of a header starts, and its length in bytes.
PLACES = {
    "mode": (100, 8),
    "uid": (108, 8),
    "gid": (116, 8),
    "size": (124, 12),
    "mtime": (136, 12),
    "device major number": (329, 8),
    "device minor number": (337, 8),
}
LARGEST = {
    "mode": 2**32 - 1,
    "uid": 2**32 - 2,
    "gid": 2**32 - 2,
    "size": 2**63 - 1,
    "mtime": 2**63 - 1,
    "device major number": 4095,
    "device minor number": 1048575,
}
SMALLEST = {**dict.fromkeys(LARGEST, 0), "mtime": -(2**63)}
TOO_LARGE = [(field, largest + 1) for field, largest in LARGEST.items()]
TOO_SMALL = [(field, smallest - 1) for field, smallest in SMALLEST.items()]
RECORDS = ("uid", "gid", "size", "mtime", "atime", "ctime")
TIMES = ("mtime", "atime", "ctime")
MANY_DIGITS = 5000  # int() refuses more than 4300 with an error of its own


def base_256(number, length):
    data = bytearray(number.to_bytes(length, "big", signed=True))
    data[0] |= 0x80
    return bytes(data)


def archive(field, raw, kind=CHARACTER_DEVICE):
    """An archive of one member, some/name, whose header has the bytes RAW for FIELD."""
    info = tarfile.TarInfo("some/name")
    info.type = kind
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    start, length = PLACES[field]
    block[start : start + length] = raw.ljust(length, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def with_record(keyword, value):
    """An archive of one member, some/name, with one PAX record."""
    info = tarfile.TarInfo("some/name")
    info.pax_headers = {keyword: value}
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def refusal(data):
    """The one line that both readers say of the archive DATA; an endless one ends as an IndexError."""
    lines = set()
    for members in (reader.scan(io.BytesIO(data)), reader.read(io.BytesIO(data))):
        with pytest.raises(LaminixError) as caught:
            if len(list(itertools.islice(members, 10))) == 10:
                raise IndexError("the archive has no end")
        lines.add(str(caught.value))
    [line] = lines
    assert "\n" not in line
    return line.replace("name/'", "name'").removeprefix("bad tar archive: 'some/name': ")


def only(data):
    [(entry, _)] = reader.scan(io.BytesIO(data))
    assert [found for found, _ in reader.read(io.BytesIO(data))] == [entry]
    return entry


@pytest.mark.parametrize(("field", "number"), TOO_LARGE + TOO_SMALL)
def test_base_256_out_of_range(field, number):
    line = refusal(archive(field, base_256(number, PLACES[field][1])))
    assert line == f"{field}: found {number}, expected a number from {SMALLEST[field]} to {LARGEST[field]}"


@pytest.mark.parametrize(("field", "raw"), [("device major number", b"10000"), ("device minor number", b"4000000")])
def test_octal_out_of_range(field, raw):
    line = refusal(archive(field, raw))
    assert line == f"{field}: found {int(raw, 8)}, expected a number from 0 to {LARGEST[field]}"


@pytest.mark.parametrize("field", PLACES)
@pytest.mark.parametrize("raw", [b"+12", b"-12", b"1_2", b"0o12", b"12x", b"89", b"1 2", b"\t12"])
def test_octal_that_only_int_accepts(field, raw):
    line = refusal(archive(field, raw))
    assert line == f"{field}: found {raw.decode()!r}, expected octal digits; the header is damaged"


@pytest.mark.parametrize("kind", [FILE, DIRECTORY, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_negative_size(kind):
    """It moved the reader backwards, to read the same member for ever."""
    data = archive("size", base_256(-512, 12), kind)
    assert refusal(data) == "size: found -512, expected a number from 0 to 9223372036854775807"


def test_size_of_more_than_64_bits():
    """Python cannot seek so far, and reading so much was an OverflowError."""
    data = archive("size", base_256(2**80, 12), FILE)
    assert refusal(data).startswith(f"size: found {2**80}, expected")


def test_size_beyond_the_end_takes_no_memory():
    data = archive("size", base_256(2**62, 12), FILE)
    with pytest.raises(LaminixError, match="archive is truncated: it ends within 'some/name'"):
        list(reader.scan(io.BytesIO(data)))
    file = Watched(data)
    with pytest.raises(LaminixError, match="archive is truncated: it ends within 'some/name'"):
        for _, content in reader.read(file):
            content.read()
    assert file.largest <= 1 << 20


class Watched(io.BytesIO):
    """A file that knows the most bytes that it was asked for at once."""

    largest = 0

    def read(self, size=-1):
        self.largest = max(self.largest, size)
        return super().read(size)


@pytest.mark.parametrize("field", PLACES)
def test_extremes_are_read(field):
    for number in (SMALLEST[field], LARGEST[field]):
        kind = DIRECTORY if field == "size" else CHARACTER_DEVICE  # a directory has no content
        entry = only(archive(field, base_256(number, PLACES[field][1]), kind))
        found = {
            "mode": (entry.mode, number & 0o7777),
            "uid": (entry.owner.uid, number),
            "gid": (entry.owner.gid, number),
            "size": (entry.size, 0),
            "mtime": (entry.mtime, number),
            "device major number": (entry.device, (number, 0)),
            "device minor number": (entry.device, (0, number)),
        }
        assert found[field][0] == found[field][1]


def test_a_file_has_no_device():
    """Some tars leave garbage there, which no engine reads."""
    assert only(archive("device major number", b"garbage", FILE)).device == (0, 0)


@pytest.mark.parametrize("keyword", RECORDS)
@pytest.mark.parametrize("value", ["+1", "1_0", " 1", "1 ", "0x1", "-", "--1", "\u0661", "many"])
def test_record_that_only_int_accepts(keyword, value):
    line = refusal(with_record(keyword, value))
    assert line == f"{keyword}: found '{value}' in a PAX header, expected a decimal number"


@pytest.mark.parametrize("keyword", RECORDS)
@pytest.mark.parametrize("digits", [20, 400, MANY_DIGITS])
def test_record_of_many_digits(keyword, digits):
    line = refusal(with_record(keyword, "9" * digits))
    assert line.startswith(f"{keyword}: found {'9' * 20}") and len(line) < 200
    assert f", expected a number from {SMALLEST.get(keyword, -2**63)} to " in line


@pytest.mark.parametrize("keyword", TIMES)
@pytest.mark.parametrize("value", [str(2**63), str(-(2**63) - 1), f"{-2**63}.5"])
def test_record_of_a_time_out_of_range(keyword, value):
    assert f"expected a number from {-2**63} to {2**63 - 1}" in refusal(with_record(keyword, value))


@pytest.mark.parametrize("keyword", TIMES)
@pytest.mark.parametrize("value", [".5", "1.x", "1.-5", "1.5.5", "1e5", "-.5"])
def test_record_of_a_time_that_is_malformed(keyword, value):
    assert refusal(with_record(keyword, value)).startswith(f"{keyword}: found '{value}' in a PAX header")


@pytest.mark.parametrize(
    ("value", "seconds"), [("-1", -1), ("-0.5", -1), ("1.", 1), (str(-(2**63)), -(2**63)), ("0" * MANY_DIGITS, 0)]
)
def test_record_of_a_time(value, seconds):
    assert only(with_record("mtime", value)).mtime == seconds


@pytest.mark.parametrize("value", ["-1", str(2**32 - 1)])
@pytest.mark.parametrize("keyword", ["uid", "gid"])
def test_record_of_an_id_out_of_range(keyword, value):
    line = refusal(with_record(keyword, value))
    assert line.startswith(f"{keyword}: found ") and ("expected a" in line)


@pytest.mark.parametrize("value", [b"+1234", b"0o1234", b"12_34", b"-1234"])
def test_checksum_that_only_int_accepts(value):
    """The checksum that a lenient reader would take from VALUE is the right one here."""
    block = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    block[148:156] = b" " * 8
    right = sum(block)
    block[148:156] = b"%s%o" % (b"+0", right) + b"\0" * (6 - len(b"%o" % right))
    assert int(block[148:156].strip(b"\0"), 8) == right
    with pytest.raises(LaminixError, match="expected a header with a valid checksum"):
        list(reader.scan(io.BytesIO(bytes(block) + bytes(1024))))
