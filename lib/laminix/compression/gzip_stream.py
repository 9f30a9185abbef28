"""Compress to one gzip member in parallel, with the same bytes for any number of threads (RFC 1951, RFC 1952).

The input is split into blocks of a fixed size. Each block is deflated separately and ends on a byte boundary. The
32 KiB before a block serve as its dictionary, so that the compression ratio hardly suffers.
"""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

BLOCK = 512 << 10
WINDOW = 32 << 10  # bytes; the longest distance of a deflate back-reference
LEVEL = 6
# No name, no time, no flags, operating system "unknown".
HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def gzip_stream(data: Iterable[bytes], threads: int) -> Iterator[bytes]:
    """Yield the gzip file of DATA in chunks, compressed by THREADS threads."""
    yield HEADER
    crc = size = 0
    window = b""
    pending: deque = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block, last in _blocks(data):
            pending.append(pool.submit(_deflate, block, window, last))
            window = block[-WINDOW:]
            # zlib releases the interpreter lock here, so this runs in parallel with the threads.
            crc = zlib.crc32(block, crc)
            size += len(block)
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    yield crc.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")


def _deflate(block: bytes, window: bytes, last: bool) -> bytes:
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, zlib.DEF_MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY, window)
    return deflater.compress(block) + deflater.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _blocks(data: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield DATA in blocks of BLOCK bytes, each with a flag that is true for the last block."""
    buffer = bytearray()
    for chunk in data:
        buffer += chunk
        # Keep one block back: it may be the last.
        while len(buffer) > BLOCK:
            yield bytes(buffer[:BLOCK]), False
            del buffer[:BLOCK]
    yield bytes(buffer), True
