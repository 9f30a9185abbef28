"""Progress in bytes of work in several threads."""

import threading
import time
from collections.abc import Iterable, Iterator

from laminix.progress import bytes_line, find_reporter


class Meter:
    """Reports progress in bytes as ``progress.watched`` does: WHAT is a verb, TOTAL the number of bytes."""

    def __init__(self, what: str, total: int):
        self._what = what
        self._total = total
        self._reporter = find_reporter()
        self._lock = threading.Lock()
        self._done = 0
        self._begun = self._last = time.monotonic()

    def watched(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Return CHUNKS, counted while they are consumed."""
        return chunks if self._reporter is None else self._counted(chunks)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        say, every = self._reporter
        for chunk in chunks:
            yield chunk
            with self._lock:
                self._done += len(chunk)
                now = time.monotonic()
                if now - self._last >= every:
                    self._last = now
                    say(bytes_line(self._what, self._done, self._total, now - self._begun))

    def clear(self) -> None:
        """Clear the line."""
        if self._reporter is not None and self._last != self._begun:
            self._reporter[0]("")
