"""Bytes through a program: written to its standard input while its standard output is read."""

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence

from laminix.errors import LaminixError, one_line
from laminix.parallel.chunks import CHUNK_SIZE

PATIENCE = 5  # seconds that a feeder gets to notice that nobody reads any more


def through_program(command: Sequence[str], data: Iterable[bytes]) -> Iterator[bytes]:
    """What COMMAND writes when it reads DATA, in chunks.

    Raises LaminixError if it fails or ends before it has read everything, and whatever DATA raises.
    """
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        failures: list[BaseException] = []
        # A daemon, lest an interrupt that comes just now leaves a thread that the interpreter waits for.
        feeder = threading.Thread(target=_feed, args=(process.stdin, data, failures), daemon=True)
        feeder.start()
        try:
            while chunk := process.stdout.read(CHUNK_SIZE):
                yield chunk
            feeder.join()
        except BaseException:
            process.kill()  # the reader stops early, so nobody will take what the program still has to say
            raise
        finally:
            process.stdout.close()
            status = process.wait()
            feeder.join(PATIENCE)
        _complain(command[0], status, complaints, failures)


def _feed(stdin, data: Iterable[bytes], failures: list[BaseException]) -> None:
    """Write DATA and close; what goes wrong is left in FAILURES for the thread that reads."""
    try:
        with stdin:
            for chunk in data:
                stdin.write(chunk)
    except BaseException as error:
        failures.append(error)


def _complain(program: str, status: int, complaints, failures: list[BaseException]) -> None:
    """Raise what there is to be raised, once everything has ended."""
    unread = any(isinstance(failure, BrokenPipeError) for failure in failures)
    if failures and not unread:
        raise failures[0]
    if status:
        complaints.seek(0)
        said = one_line(complaints.read(500).decode("utf-8", "replace").strip()) or "it says nothing"
        raise LaminixError("a program failed", f"exit status {status}: {said}", program)
    if unread:
        raise LaminixError("a program failed", "it ended before it had read everything", program)
