"""Bytes through a program: written to its standard input while its standard output is read."""

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence

from laminix.errors import LaminixError, one_line

PIECE = 1 << 20


def through_program(command: Sequence[str], data: Iterable[bytes]) -> Iterator[bytes]:
    """What COMMAND writes when it reads DATA, in pieces.

    Raises LaminixError if it fails, and whatever DATA raises.
    """
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        failures: list[BaseException] = []
        unread: list[BrokenPipeError] = []
        feeder = threading.Thread(target=_feed, args=(process.stdin, data, failures, unread))
        feeder.start()
        try:
            while piece := process.stdout.read(PIECE):
                yield piece
        finally:
            # Also where the reader stops early: the program must not wait for anyone.
            process.stdout.close()
            feeder.join()
            status = process.wait()
        if failures:
            raise failures[0]
        if status:
            complaints.seek(0)
            said = one_line(complaints.read(500).decode("utf-8", "replace").strip()) or "it says nothing"
            raise LaminixError("a program failed", f"exit status {status}: {said}", command[0])
        if unread:
            raise LaminixError("a program failed", "it ended before it had read everything", command[0])


def _feed(
    stdin, data: Iterable[bytes], failures: list[BaseException], unread: list[BrokenPipeError]
) -> None:
    """Write DATA and close; what goes wrong is left in FAILURES, or in UNREAD, for the thread that reads."""
    try:
        with stdin:
            for piece in data:
                stdin.write(piece)
    except BrokenPipeError as error:
        unread.append(error)  # the program ended early; if it failed, its exit status says why
    except BaseException as error:
        failures.append(error)
