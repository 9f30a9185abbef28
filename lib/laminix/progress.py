"""Progress of long work, told to whoever waits: a line on a terminal, a phase under Nix, else nothing."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from laminix.human_size import human_size

TERMINAL_EVERY = 0.2  # seconds; short work ends before the first line
NIX_EVERY = 1.0
CLEAR = "\r\x1b[K"


def watched(chunks: Iterable[bytes], what: str, total: int | None = None) -> Iterable[bytes]:
    """CHUNKS, and as they pass a word on how far WHAT has come, of TOTAL bytes if that is known."""
    return _passing(chunks, len, lambda done, seconds: bytes_line(what, done, total, seconds))


def counted(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    """ITEMS, and as they pass a word on how many of TOTAL are done."""
    return _passing(items, lambda _: 1, lambda done, _: f"{what} {done} of {total}")


def bytes_line(what: str, done: int, total: int | None, seconds: float) -> str:
    """How far WHAT has come after SECONDS: bytes, rate and, where TOTAL is known, the time that is left."""
    rate = done / seconds if seconds > 0 else 0.0
    line = f"{what} {human_size(done)}"
    if total:
        line += f" of {human_size(total)}"
    line += f", {human_size(rate)}/s"
    if total and rate and done < total:
        line += f", {_duration((total - done) / rate)} left"
    return line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _passing(items: Iterable[Any], weigh: Callable[[Any], int], line: Callable[[int, float], str]):
    teller = _find_teller()
    return items if teller is None else _tell(items, weigh, line, *teller)


def _find_teller() -> tuple[Callable[[str], None], float] | None:
    """What takes a line, and how often in seconds; None where nobody waits for one."""
    descriptor = os.environ.get("NIX_LOG_FD", "")
    if descriptor.isascii() and descriptor.isdecimal():
        return lambda text: _tell_nix(int(descriptor), text), NIX_EVERY
    if sys.stderr is not None and sys.stderr.isatty():
        return _tell_terminal, TERMINAL_EVERY
    return None


def _tell_nix(descriptor: int, text: str) -> None:
    """Name the phase of the build, in the JSON lines that Nix reads from its log (internal-json)."""
    if text:
        message = json.dumps({"action": "setPhase", "phase": text})
        # Whoever gave us the number may have closed it; the work does not depend on that.
        with contextlib.suppress(OSError, OverflowError):
            os.write(descriptor, f"@nix {message}\n".encode())


def _tell_terminal(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(CLEAR + text)
        sys.stderr.flush()


def _tell(items: Iterable[Any], weigh, line, say: Callable[[str], None], every: float) -> Iterator[Any]:
    begun = last = time.monotonic()
    done = 0
    try:
        for item in items:
            yield item
            done += weigh(item)
            now = time.monotonic()
            if now - last >= every:
                last = now
                say(line(done, now - begun))
    finally:
        if last != begun:
            say("")  # the line has had its time
