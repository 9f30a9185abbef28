"""Long answers that continue where the connection was lost."""

import time
from collections.abc import Callable, Iterator

from laminix.errors import LaminixError
from laminix.registry.connection import ATTEMPTS, TRANSIENT, WHAT, Response, retry_wait


def resumed(chunks_from: Callable[[int], Iterator[bytes]], size: int | None, place: str) -> Iterator[bytes]:
    """Yield the bytes that CHUNKS_FROM yields from a position on: SIZE of them, or all if that is None.

    Resumes after a lost connection. Raises LaminixError, naming PLACE, if ATTEMPTS in a row bring nothing.
    """
    position = failures = 0
    while True:
        before = position
        try:
            for chunk in chunks_from(position):
                position += len(chunk)
                yield chunk
            if size is None or position >= size:
                return
            raise ConnectionError("the answer ends early")
        except TRANSIENT as error:
            if size is not None and position >= size:
                return
            failures = 1 if position > before else failures + 1
            if failures >= ATTEMPTS:
                of = "" if size is None else f" of {size}"
                why = f"{error or type(error).__name__}, after {position}{of} bytes"
                raise LaminixError(WHAT, why, place) from None
            time.sleep(retry_wait(failures, None))


def range_from(position: int) -> dict[str, str]:
    """Return the header that asks for the bytes from POSITION on (RFC 9110, section 14)."""
    return {"Range": f"bytes={position}-"} if position else {}


def body_from(response: Response, position: int) -> Iterator[bytes]:
    """Yield the body from POSITION on, also if the server ignored the range and sends everything."""
    skipped = position if response.status == 200 else 0
    for chunk in response.chunks():
        kept, skipped = chunk[skipped:], max(0, skipped - len(chunk))
        if kept:
            yield kept
