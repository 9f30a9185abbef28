"""How a builder runs: options in, one result out, one line for an error, an exit status."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable

from laminix.command.nix_request import read_options
from laminix.errors import LaminixError, UsageError, one_line, printable, shown
from laminix.output import new_file
from laminix.write_errors import WRITE_ERRORS, write_errors_at

CLEANUP_SECONDS = 20  # time limit for removing unfinished output after a signal
NO_THREAD = "can't start new thread"  # the message of Python's RuntimeError


def run(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], str | Iterable[bytes] | None]) -> int:
    """Read the options, call MAIN and print the text, or parts of it, it returns; under Nix, write it to the output.

    Returns the exit status: 0 for success, 1 for faulty input, which standard error explains in one line, or one
    line for each error of a group; 2 for a bad value of an option; 128 and the number of a signal that interrupted
    it. The parser exits with 2 for any other wrong usage.
    """
    _clean_up_on_signals()
    try:
        options = read_options(parser, sys.argv[1:], os.environ)
        text = main(options)
        if text is not None:
            parts = [text.encode("utf-8", "surrogateescape")] if isinstance(text, str) else text
            _deliver(parts, getattr(options, "nix_output", None))
        return 0
    except UsageError as error:
        return _fail(parser.prog, str(error), 2)
    except LaminixError as error:
        return _fail(parser.prog, str(error))
    except ExceptionGroup as group:
        return max(_fail(parser.prog, str(error)) for error in group.exceptions)
    except BrokenPipeError:
        _discard_standard_output()  # its reader has closed the pipe
        return 1
    except OSError as error:
        _discard_standard_output()
        return _fail(parser.prog, one_line(_os_error(error)))
    except MemoryError:
        return _fail(parser.prog, "cannot continue: out of memory")
    except RuntimeError as error:
        if str(error) != NO_THREAD:
            raise
        return _fail(parser.prog, f"cannot continue: {error}; the system or a limit allows no more (ulimit -u)")
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        return _fail(parser.prog, "interrupted", 128 + number)


def _clean_up_on_signals() -> None:
    """Turn signals that end the process into KeyboardInterrupt, so that unfinished output is removed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup(1) sets SIG_IGN
            signal.signal(number, _end)


def _end(number: int, _) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second signal must not stop the cleanup
    signal.alarm(CLEANUP_SECONDS)  # the cleanup may wait for a lock that the interrupted code holds
    raise KeyboardInterrupt(number)


def _discard_standard_output() -> None:
    """Keep the interpreter from flushing standard output once more at exit."""
    if sys.stdout is not None:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), sys.stdout.fileno())


def _fail(prog: str, message: str, status: int = 1) -> int:
    if sys.stderr is not None:  # if it is closed, print() would use standard output
        print(f"{prog}: error: {message}", file=sys.stderr)
    return status


def _os_error(error: OSError) -> str:
    place = "" if error.filename is None else f" ({shown(error.filename)})"
    if error.errno in WRITE_ERRORS:
        what = "cannot write"
    else:
        what = "cannot access" if error.filename is not None else "system error"
    return f"{what}: {error.strerror or error}{place}"


def _deliver(parts: Iterable[bytes], output: str | None) -> None:
    if output is None:
        write_standard_output(map(_printable, parts))
        return
    with new_file(output) as file:
        file.writelines(parts)


def _printable(part: bytes) -> bytes:
    return printable(part.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def write_standard_output(chunks: Iterable[bytes]) -> None:
    """Write CHUNKS to standard output. Raises LaminixError if that is closed."""
    if sys.stdout is None:
        raise LaminixError("cannot write the output", "standard output is closed")
    with write_errors_at("standard output"):
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.flush()


def refuse_terminal() -> None:
    """Raise LaminixError if standard output is a terminal, which is no place for an archive."""
    if sys.stdout is not None and sys.stdout.isatty():
        why = "standard output is a terminal; redirect it to a file or pipe it to a program"
        raise LaminixError("cannot write the archive", why)
