"""A directory for the time of a call, which is removed even if the process is killed: by the next one, then."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator

from laminix.directory_trees import remove_tree

PREFIX = "laminix-step-"  # of nothing else, since what has it is removed
NEW_PREFIX = ".laminix-step-"  # not locked yet


@contextlib.contextmanager
def temporary_directory() -> Iterator[str]:
    """An empty directory in $TMPDIR.  Those that killed processes have left there are removed."""
    top = tempfile.gettempdir()
    for name in os.listdir(top):
        if name.startswith(PREFIX):
            _remove_if_left(os.path.join(top, name))
    new = tempfile.mkdtemp(prefix=NEW_PREFIX)
    place = os.path.join(top, PREFIX + os.path.basename(new).removeprefix(NEW_PREFIX))
    lock = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(new, place)
        yield place
    finally:
        remove_tree(place)
        os.close(lock)


def _remove_if_left(place: str) -> None:
    """Remove PLACE, if it is ours and no process has locked it."""
    with contextlib.suppress(OSError):
        lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(place)
        finally:
            os.close(lock)
