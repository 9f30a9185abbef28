"""Uncompressing: found by magic, member after member, in constant memory."""

import bz2
import gzip
import lzma
import random
import subprocess
import sys

import pytest

from laminix.compression.uncompress import CHUNK_SIZE, compression_of, uncompressed
from laminix.errors import LaminixError


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


COMPRESS = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress, "zstd": zstd}
DATA = random.Random(1).randbytes(100_000) * 20 + bytes(3 * CHUNK_SIZE)


def cut(data, size):
    return (data[start : start + size] for start in range(0, len(data), size))


def refusal(data, size=4096):
    with pytest.raises(LaminixError) as caught:
        list(uncompressed(cut(data, size), "place"))
    return str(caught.value)


@pytest.mark.parametrize("size", (1, 7, 4096, 1 << 20))
@pytest.mark.parametrize("name", COMPRESS)
def test_gives_the_plain_bytes_whatever_the_chunks(name, size):
    data = DATA if size > 7 else DATA[:5000]
    assert b"".join(uncompressed(cut(COMPRESS[name](data), size))) == data


@pytest.mark.parametrize("name", COMPRESS)
def test_chunks_of_output_are_small(name):
    assert max(map(len, uncompressed(iter([COMPRESS[name](bytes(50 * CHUNK_SIZE))])))) <= CHUNK_SIZE


@pytest.mark.parametrize("name", COMPRESS)
def test_members_follow_each_other(name):
    compress = COMPRESS[name]
    for size in (1, 4096):
        assert b"".join(uncompressed(cut(compress(b"one, ") + compress(b"two"), size))) == b"one, two"


@pytest.mark.parametrize("name", ("gzip", "xz", "bzip2"))
def test_zeros_behind_the_last_member_are_padding(name):
    assert b"".join(uncompressed(cut(COMPRESS[name](b"one") + bytes(1000), 10))) == b"one"


@pytest.mark.parametrize("name", COMPRESS)
def test_end_that_comes_early_is_told(name):
    whole = COMPRESS[name](DATA)
    for length in (8, len(whole) // 2, len(whole) - 1):
        assert refusal(whole[:length]).startswith(f"bad {name} data: ")


@pytest.mark.parametrize("name", COMPRESS)
def test_damage_is_told(name):
    data = bytearray(COMPRESS[name](DATA))
    for at in range(len(data) // 2, len(data) // 2 + 200):
        data[at] ^= 0xFF
    line = refusal(bytes(data))
    assert line.startswith(f"bad {name} data: ") and line.endswith("(place)")


@pytest.mark.parametrize("name", ("gzip", "xz", "bzip2"))
def test_something_else_behind_the_end_is_told(name):
    assert refusal(COMPRESS[name](b"one") + b"two") == (
        f"bad {name} data: found other data after the end, expected {name} data or zeros (place)"
    )


@pytest.mark.parametrize("data", (b"", b"a", b"\x1f", bytes(10), DATA))
def test_what_is_not_compressed_comes_through(data):
    assert b"".join(uncompressed(cut(data, 4096))) == data
    assert compression_of(data) == "none"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has a zstd of its own")
def test_zstd_takes_a_program(monkeypatch):
    data = zstd(DATA)
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(data).startswith("cannot read zstd data: found no zstd")
