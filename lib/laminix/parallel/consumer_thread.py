"""A thread that consumes a stream while the main thread passes it on.

Hashing and compressing release the interpreter lock, so both threads make progress on two cores.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

QUEUE_LENGTH = 16  # chunks waiting for the thread, at most, so that memory stays constant


class ConsumerThread:
    """A thread that calls CONSUME with an iterator over the chunks put into it.

    With None instead of CONSUME there is no thread, and chunks put into it are ignored.
    """

    def __init__(self, consume: Callable[[Iterable[bytes]], Any] | None):
        self._consume = consume
        self._result: Any = None
        self._failure: BaseException | None = None
        self._thread = None

    def __enter__(self) -> "ConsumerThread":
        if self._consume is not None:
            import queue  # these two take 2 ms to import, and listing layers needs no thread
            import threading

            self._queue = queue.Queue(QUEUE_LENGTH)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        # After an interrupt the queue's lock may still be held. The thread then ends with the process.
        if kind is None or issubclass(kind, (Exception, GeneratorExit)):
            self._finish()

    def put(self, chunk: bytes) -> None:
        """Pass one more chunk to the thread."""
        if self._thread is not None:
            self._queue.put(chunk)

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield CHUNKS, passing each to the thread as well. A chunk must not change afterwards."""
        for chunk in chunks:
            self.put(chunk)
            yield chunk

    def result(self) -> Any:
        """End the stream and return what CONSUME returned; raises what it raised."""
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
        # iter(get, None) stays exhausted, should CONSUME fail after it has read everything.
        chunks = iter(self._queue.get, None)
        try:
            self._result = self._consume(chunks)
        except BaseException as error:  # result() raises it
            self._failure = error
            for _ in chunks:
                pass  # put() must not block on a thread that has failed
