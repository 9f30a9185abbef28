"""Progress of long work: a line on a terminal, a build phase under Nix, nothing otherwise."""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from laminix.human_size import human_size

TERMINAL_INTERVAL = 0.2  # seconds between lines; shorter work shows none
NIX_INTERVAL = 1.0  # seconds between lines
CLEAR = "\r\x1b[K"


def watched(chunks: Iterable[bytes], what: str, total: int | None = None) -> Iterable[bytes]:
    """Return CHUNKS, reporting progress in bytes while they are consumed.

    WHAT is a verb such as "packed"; TOTAL is about the number of bytes, if known.
    """
    return _reported(chunks, len, lambda done, seconds: bytes_line(what, done, total, seconds))


def counted(items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
    """Return ITEMS, reporting while they are consumed how many of TOTAL are done."""
    return _reported(items, lambda _: 1, lambda done, _: f"{what} {done} of {total}")


def bytes_line(what: str, done: int, total: int | None, seconds: float) -> str:
    """Return the line for DONE bytes after SECONDS: size, rate and, if TOTAL is known and not passed, remaining time."""
    rate = done / seconds if seconds > 0 else 0.0
    line = f"{what} {human_size(done)}"
    if total and done <= total:
        line += f" of {human_size(total)}"
    line += f", {human_size(rate)}/s"
    if total and rate and done < total:
        line += f", {_duration((total - done) / rate)} left"
    return line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _reported(items: Iterable[Any], size_of: Callable[[Any], int], line: Callable[[int, float], str]):
    reporter = find_reporter()
    return items if reporter is None else _report(items, size_of, line, *reporter)


def find_reporter() -> tuple[Callable[[str], None], float] | None:
    """Return a function that shows a line, and the interval in seconds; None if lines would not be seen."""
    descriptor = os.environ.get("NIX_LOG_FD", "")
    if descriptor.isascii() and descriptor.isdecimal() and len(descriptor) < 10 and _is_inherited(int(descriptor)):
        return lambda text: _show_in_nix(int(descriptor), text), NIX_INTERVAL
    # Units of systemd may write to a terminal, too, which then has no TERM and keeps every line.
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return _show_on_terminal, TERMINAL_INTERVAL
    return None


def _is_inherited(descriptor: int) -> bool:
    """Return whether the caller opened DESCRIPTOR: Python closes the files that it opens itself on exec (PEP 446).

    If the caller did not, the number may be that of a file which this process writes.
    """
    try:
        return not fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except (OSError, OverflowError):
        return False


def _show_in_nix(descriptor: int, text: str) -> None:
    """Set the phase of the build, as a JSON line in the log that Nix reads (internal-json)."""
    if text:
        message = json.dumps({"action": "setPhase", "phase": text})
        # The caller may have closed the descriptor. A lost line must not stop the work.
        with contextlib.suppress(OSError, OverflowError):
            os.write(descriptor, f"@nix {message}\n".encode())


def _show_on_terminal(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(CLEAR + text)
        sys.stderr.flush()


def _report(items: Iterable[Any], size_of, line, show: Callable[[str], None], interval: float) -> Iterator[Any]:
    start = last = time.monotonic()
    done = 0
    try:
        for item in items:
            yield item
            done += size_of(item)
            now = time.monotonic()
            if now - last >= interval:
                last = now
                show(line(done, now - start))
    finally:
        if last != start:
            show("")  # clear the line
