"""Errors of writing that say where: the system does not name the file of a write that fails."""

import contextlib
import errno
from collections.abc import Iterator

from laminix.errors import LaminixError

WRITE_ERRORS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))


@contextlib.contextmanager
def write_errors_at(path: str) -> Iterator[None]:
    """Add PATH to each of WRITE_ERRORS in the block that names no path."""
    try:
        yield
    except OSError as error:
        if _is_nameless(error):
            error.filename = path
        raise


@contextlib.contextmanager
def temporary_write_errors() -> Iterator[None]:
    """Raise LaminixError, with the directory for temporary files, for each of WRITE_ERRORS that names no path."""
    try:
        yield
    except OSError as error:
        if not _is_nameless(error):
            raise
        import tempfile  # takes 5 ms, and its callers have imported it

        why = f"{error.strerror}; set $TMPDIR to another directory"
        raise LaminixError("cannot write a temporary file", why, tempfile.gettempdir()) from None


def _is_nameless(error: OSError) -> bool:
    return error.errno in WRITE_ERRORS and error.filename is None
