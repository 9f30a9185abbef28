"""One gzip member, deflated in parallel; the same bytes for any number of threads (RFC 1951, RFC 1952).

The input is cut into blocks of a fixed size.  Each is deflated by itself, with the 32 KiB before it as
dictionary, so that next to nothing of the compression is lost, and ends on a byte boundary.
"""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

BLOCK = 512 << 10
WINDOW = 32 << 10  # as far back as deflate can refer
LEVEL = 6
# Neither name nor time, no flags, "unknown" as operating system.
HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def gzip_stream(data: Iterable[bytes], threads: int) -> Iterator[bytes]:
    """The gzip file of DATA, in chunks, compressed by THREADS threads."""
    yield HEADER
    crc = size = 0
    window = b""
    pending: deque = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block, last in _blocks(data):
            pending.append(pool.submit(_deflate, block, window, last))
            window = block[-WINDOW:]
            # zlib gives up the GIL here, so this goes on beside the threads.
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
    """The same bytes in blocks of BLOCK bytes, each with whether it is the last."""
    held = bytearray()
    for chunk in data:
        held += chunk
        # One block is held back until it is known whether more follows.
        while len(held) > BLOCK:
            yield bytes(held[:BLOCK]), False
            del held[:BLOCK]
    yield bytes(held), True
