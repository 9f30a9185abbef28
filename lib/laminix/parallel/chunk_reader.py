"""A readable file over an iterator of chunks."""

import io
from collections.abc import Generator, Iterable


class ChunkReader(io.RawIOBase):
    """A file that can be read once, from start to end; its content is CHUNKS."""

    def __init__(self, chunks: Iterable[bytes]):
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file, and the generator that makes the chunks."""
        if isinstance(self._chunks, Generator):
            self._chunks.close()
        super().close()
