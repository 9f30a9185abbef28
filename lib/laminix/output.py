"""Output that appears whole or not at all: written beside its place, then renamed into it."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, BinaryIO

from laminix.errors import LaminixError, shown


@contextlib.contextmanager
def new_directory(out: str) -> Iterator[str]:
    """A directory to fill, renamed to OUT at the end; gone if the block raises.

    Raises LaminixError where OUT exists already, or its parent does not.
    """
    refuse_existing(out)
    draft, _ = _draft(out, os.mkdir)
    try:
        os.chmod(draft, 0o755)
        yield draft
        refuse_existing(out)
        os.rename(draft, out)
    except BaseException:
        _remove_tree(draft)
        raise


@contextlib.contextmanager
def new_file(out: str) -> Iterator[BinaryIO]:
    """A file to write, renamed to OUT at the end (a file there is replaced); gone if the block raises.

    Raises LaminixError where OUT is a directory, or its parent is none.
    """
    if os.path.isdir(out):
        raise LaminixError("cannot write the output", "a directory stands there", out)
    draft, descriptor = _draft(out, _new_descriptor)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)
            yield file
        os.replace(draft, out)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise


def refuse_existing(out: str) -> None:
    """Raises LaminixError if anything, a dangling link included, stands at OUT."""
    if os.path.lexists(out.rstrip("/") or out):
        raise LaminixError("cannot write the output", "it exists already; remove it first", out)


def refuse_inside(out: str, directories: Iterable[str]) -> None:
    """Raises LaminixError if OUT would be in one of DIRECTORIES, which are read while it is written."""
    place = os.path.realpath(out)
    for directory in directories:
        if os.path.commonpath([place, os.path.realpath(directory)]) == os.path.realpath(directory):
            raise LaminixError("cannot write the output", f"it would be inside {shown(directory)!r}, which is read", out)


def _draft(out: str, make: Callable[[str], Any]) -> tuple[str, Any]:
    """A path beside OUT under a name of its own, and what MAKE made there."""
    parent, name = os.path.split(out.rstrip("/"))
    if name in ("", ".", ".."):
        raise LaminixError("cannot write the output", f"found {shown(out)!r}, expected the path of something new")
    try:
        for number in count(os.getpid()):
            # Names have at most 255 bytes, and this one is longer than OUT's.
            draft = os.path.join(parent or ".", f".{name[:50]}.{number}")
            with contextlib.suppress(FileExistsError):  # of a process that was killed
                return draft, make(draft)
    except FileNotFoundError:
        raise LaminixError("cannot write the output", "its parent directory does not exist", out) from None
    except NotADirectoryError:
        raise LaminixError("cannot write the output", "its parent is not a directory", out) from None


def _new_descriptor(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _remove_tree(path: str) -> None:
    import shutil  # 4 ms with all that it imports, and only a failure needs it

    shutil.rmtree(path, ignore_errors=True)
