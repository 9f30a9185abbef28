"""gzip_stream: one gzip member, the same for any number of threads and any cut of the input."""

import gzip
import random
import zlib

import pytest

from laminix.compression.gzip_stream import BLOCK, gzip_stream

SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17]


def sample(size: int) -> bytes:
    """Something that compresses, but not to nothing."""
    rng = random.Random(size)
    words = [rng.randbytes(rng.randrange(2, 20)) for _ in range(300)]
    return b"".join(rng.choices(words, k=size // 5 + 1))[:size]


def chunks(data: bytes, seed: int) -> list[bytes]:
    """DATA, cut at random; some chunks are empty."""
    rng = random.Random(seed)
    cuts = sorted(rng.choices(range(len(data) + 1), k=seed))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)])]


@pytest.mark.parametrize("size", SIZES)
def test_the_same_for_any_threads_and_any_cut(size):
    data = sample(size)
    packed = b"".join(gzip_stream([data], 1))
    assert gzip.decompress(packed) == data
    for seed in (0, 2, 7, 50):
        assert b"".join(gzip_stream(chunks(data, seed), seed + 1)) == packed


@pytest.mark.parametrize("size", SIZES)
def test_is_one_member_and_no_more(size):
    packed = b"".join(gzip_stream([sample(size)], 2))
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(packed) == sample(size)
    assert reader.eof and reader.unused_data == b""


def test_costs_next_to_nothing_against_one_pass():
    data = sample(4 * BLOCK)
    one_pass = zlib.compressobj(6, wbits=-15)
    assert len(b"".join(gzip_stream([data], 2))) < 1.005 * len(one_pass.compress(data) + one_pass.flush())


def test_what_goes_wrong_in_the_input_comes_out():
    def failing():
        yield bytes(2 * BLOCK)
        raise KeyError("input")

    with pytest.raises(KeyError):
        list(gzip_stream(failing(), 3))


def test_holds_little_of_the_input():
    read = 0

    def counted():
        nonlocal read
        for _ in range(200):
            read += 1
            yield bytes(BLOCK)

    stream = gzip_stream(counted(), 2)
    next(stream)
    next(stream)
    assert read < 20
    stream.close()
