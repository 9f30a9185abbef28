"""Run a program as a filter: write to its standard input while reading its standard output."""

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence

from laminix.errors import LaminixError, one_line
from laminix.parallel.chunks import CHUNK_SIZE

FEEDER_SECONDS = 5  # time limit for the feeder to end after the program has ended


def through_program(command: Sequence[str], data: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what COMMAND writes for the input DATA, in chunks.

    Raises LaminixError if the program fails or ends before it has read all input. Raises what DATA raises.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        failures: list[BaseException] = []
        # A daemon thread: the interpreter would wait for any other after an interrupt.
        feeder = threading.Thread(target=_feed, args=(process.stdin, data, failures), daemon=True)
        feeder.start()
        try:
            while chunk := process.stdout.read(CHUNK_SIZE):
                yield chunk
            feeder.join()
        except BaseException:
            process.kill()  # the caller stops early, and the program would block on its full output pipe
            raise
        finally:
            process.stdout.close()
            status = process.wait()
            feeder.join(FEEDER_SECONDS)
        _raise_failure(command[0], status, errors, failures)


def _feed(stdin, data: Iterable[bytes], failures: list[BaseException]) -> None:
    """Write DATA to STDIN and close it. Appends an exception to FAILURES, for the main thread to raise."""
    try:
        with stdin:
            for chunk in data:
                stdin.write(chunk)
    except BaseException as error:
        failures.append(error)


def _raise_failure(program: str, status: int, errors, failures: list[BaseException]) -> None:
    """Raise the first failure, if there is any, after the program has ended.

    ERRORS is the file with its standard error.
    """
    unread = any(isinstance(failure, BrokenPipeError) for failure in failures)
    if failures and not unread:
        raise failures[0]
    if status:
        errors.seek(0)
        message = one_line(errors.read(500).decode("utf-8", "replace").strip()) or "no error message"
        raise LaminixError("program failed", f"exit status {status}: {message}", program)
    if unread:
        raise LaminixError("program failed", "it ended before it had read all of its input", program)
