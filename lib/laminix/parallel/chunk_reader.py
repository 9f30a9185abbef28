"""Pieces of bytes as a file."""

import io
from collections.abc import Generator, Iterable


class PieceReader(io.RawIOBase):
    """PIECES as a file that is read once, from its start to its end."""

    def __init__(self, pieces: Iterable[bytes]):
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file; pieces that are made as they are taken are made no further."""
        if isinstance(self._pieces, Generator):
            self._pieces.close()
        super().close()
