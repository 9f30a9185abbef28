"""The limits of a case: its time, and the length of an error."""

import contextlib
import signal
from collections.abc import Iterator

CPU_SECONDS = 20  # of a case; most take a hundredth of a second
LONGEST_LINE = 4096  # characters of an error


class TooSlow(BaseException):
    """A case took more than CPU_SECONDS: it hangs, or as good as."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raise TooSlow if the block takes too much time of the processor."""

    def stop(*_) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
