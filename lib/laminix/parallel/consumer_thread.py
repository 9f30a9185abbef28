"""Work on a stream beside whoever passes it on: hashing gives up the GIL, so two cores take part."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

AHEAD = 16  # pieces at most that wait for the thread: memory stays constant


class Beside:
    """A thread that calls CONSUME with an iterator over the pieces that are put in; None does nothing."""

    def __init__(self, consume: Callable[[Iterable[bytes]], Any] | None):
        self._consume = consume
        self._result: Any = None
        self._failure: BaseException | None = None
        self._thread = None

    def __enter__(self) -> "Beside":
        if self._consume is not None:
            import queue  # 2 ms together, and a list of layers needs no thread
            import threading

            self._queue = queue.Queue(AHEAD)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        # An interrupt may have come in the midst of the queue and left its lock taken; the thread ends
        # with the process then.
        if kind is None or issubclass(kind, Exception):
            self._finish()

    def put(self, piece: bytes) -> None:
        """Hand the thread one more piece."""
        if self._thread is not None:
            self._queue.put(piece)

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """PIECES, each handed to the thread as it is passed on; nobody may change one afterwards."""
        for piece in pieces:
            self.put(piece)
            yield piece

    def result(self) -> Any:
        """What CONSUME returns once there are no more pieces; raises what it raised."""
        self._finish()
        if self._failure is not None:
            raise self._failure
        return self._result

    def _finish(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        # An iterator that stays at its end: CONSUME may have come there before it failed.
        pieces = iter(self._queue.get, None)
        try:
            self._result = self._consume(pieces)
        except BaseException as error:  # it is raised where result() is asked for
            self._failure = error
            for _ in pieces:
                pass  # so that put() never waits for a thread that has given up
