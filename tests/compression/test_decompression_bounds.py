"""Compressed data that grows without end, or has members without end, costs little."""

import gzip
import lzma
import zlib

import pytest

from laminix.compression import uncompress
from laminix.compression.uncompress import PIECE_SIZE, uncompressed
from laminix.errors import LaminixError

EMPTY = gzip.compress(b"", mtime=0)


def test_output_has_a_limit(monkeypatch):
    monkeypatch.setattr(uncompress, "MAX_UNCOMPRESSED", 1 << 20)
    assert sum(map(len, uncompressed([gzip.compress(bytes(1 << 20))]))) == 1 << 20
    with pytest.raises(LaminixError, match="data is too large: more than 1048576 bytes after decompression"):
        for _ in uncompressed([gzip.compress(bytes((1 << 20) + 1))]):
            pass


def test_empty_members_are_not_copied_again_and_again(monkeypatch):
    """What zlib hands back at the end of each member is copied: with 13,000 in a chunk, too much."""
    copied = 0

    class Counting(uncompress._Gunzip):
        @property
        def unused_data(self):
            nonlocal copied
            copied += len(super().unused_data)
            return super().unused_data

    monkeypatch.setattr(uncompress, "_Gunzip", Counting)
    data = EMPTY * 10_000 + gzip.compress(b"end", mtime=0)
    assert b"".join(uncompressed([data])) == b"end"
    assert copied < 10_001 * PIECE_SIZE


@pytest.mark.parametrize("size", [1, 7, PIECE_SIZE - 1, PIECE_SIZE, 1 << 20])
def test_members_in_chunks_of_any_size(size):
    data = b"".join(gzip.compress(bytes([n]) * n * 50, mtime=0) + bytes(n % 3) for n in range(256))
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert b"".join(uncompressed(chunks)) == b"".join(bytes([n]) * n * 50 for n in range(256))


def test_xz_has_a_limit_of_memory():
    """The header asks for 4 GiB; an ordinary one of `xz -9` is read."""
    assert b"".join(uncompressed([lzma.compress(b"content", preset=9)])) == b"content"
    data = bytearray(lzma.compress(b"content"))
    assert data[14:16] == b"\x21\x01"  # the filter LZMA2 and the size of its properties (xz-file-format, 5.3.1)
    data[16] = 40  # the size of the dictionary
    end = 12 + (data[12] + 1) * 4 - 4
    data[end : end + 4] = zlib.crc32(data[12:end]).to_bytes(4, "little")
    with pytest.raises(LaminixError, match="bad xz data: .* limit"):
        b"".join(uncompressed([bytes(data)]))
