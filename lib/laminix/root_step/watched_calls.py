"""System calls that run as they are, and that the tracer looks at before they do.

Those that change a file of the parent's tree find a copy of it in the step's own; what the others make gets
the owner that it has where its maker is not root, or its directory is setgid.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from laminix.root_step.file_calls import FileCalls, Words
from laminix.root_step.linux import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW
from laminix.root_step.parent_files import ParentFiles
from laminix.root_step.seccomp_filter import IF_ANY_BIT, Condition
from laminix.root_step.thread import Thread

WRITES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
CREAT_FLAGS = os.O_CREAT | os.O_WRONLY | os.O_TRUNC


class Opened(NamedTuple):
    """A call that opens a file: which of its words are directory, path and flags."""

    directory: int | None
    path: int
    flags: int | None


class Made(NamedTuple):
    """A call that makes a file."""

    directory: int | None
    path: int


class Changed(NamedTuple):
    """A call that changes a file, though not its content, or moves it, or gives it another name."""

    directory: int | None
    path: int
    flags: Callable[[Words], int]


class Truncated(NamedTuple):
    """A call that cuts or extends a file's content."""

    directory: int | None
    path: int


def _follow(words: Words) -> int:
    return 0


def _no_follow(words: Words) -> int:
    return AT_SYMLINK_NOFOLLOW


def _flags_at(index: int) -> Callable[[Words], int]:
    return lambda words: words[index]


def _linkat_flags(words: Words) -> int:
    """linkat(2) has it the other way round: it follows no link unless told."""
    follows = words[4] & AT_SYMLINK_FOLLOW
    return words[4] & AT_EMPTY_PATH | (0 if follows else AT_SYMLINK_NOFOLLOW)


CALLS: dict[str, tuple[Opened | Made | Changed | Truncated, ...]] = {
    "open": (Opened(None, 0, 1),),
    "openat": (Opened(0, 1, 2),),
    "creat": (Opened(None, 0, None),),
    "mkdir": (Made(None, 0),),
    "mkdirat": (Made(0, 1),),
    "mknod": (Made(None, 0),),
    "mknodat": (Made(0, 1),),
    "symlink": (Made(None, 1),),
    "symlinkat": (Made(1, 2),),
    "truncate": (Truncated(None, 0),),
    "utime": (Changed(None, 0, _follow),),
    "utimes": (Changed(None, 0, _follow),),
    "futimesat": (Changed(0, 1, _follow),),
    "utimensat": (Changed(0, 1, _flags_at(3)),),
    "link": (Changed(None, 0, _no_follow),),
    "linkat": (Changed(0, 1, _linkat_flags),),
    "rename": (Changed(None, 0, _no_follow), Changed(None, 1, _no_follow)),
    "renameat": (Changed(0, 1, _no_follow), Changed(2, 3, _no_follow)),
    "renameat2": (Changed(0, 1, _no_follow), Changed(2, 3, _no_follow)),
}

# Reading stays undisturbed.
CONDITIONS = {
    "open": Condition(1, IF_ANY_BIT, WRITES | os.O_CREAT),
    "openat": Condition(2, IF_ANY_BIT, WRITES | os.O_CREAT),
}

AtTheEnd = Callable[[], None]


class WatchedCalls:
    """The calls of one thread."""

    def __init__(self, thread: Thread, file_calls: FileCalls, parent_files: ParentFiles):
        self._thread = thread
        self._file_calls = file_calls
        self._parent_files = parent_files

    def begin(self, name: str, words: Words) -> AtTheEnd | None:
        """Prepare for the call NAME; what to do once it has succeeded, None for nothing.

        Raises OSError where the call is going to fail.
        """
        at_the_end = None
        for effect in CALLS[name]:
            directory = AT_FDCWD if effect.directory is None else words[effect.directory]
            path = words[effect.path]
            if isinstance(effect, Made):
                at_the_end = self._made(directory, path)
            elif isinstance(effect, Changed):
                self._changed(directory, path, effect.flags(words))
            elif isinstance(effect, Truncated):
                self._written(directory, path, 0, with_content=True)
            else:
                flags = CREAT_FLAGS if effect.flags is None else words[effect.flags]
                at_the_end = self._opened(directory, path, flags)
        self._thread.left()  # until the call has ended
        return at_the_end

    def _opened(self, directory: int, path: int, flags: int) -> AtTheEnd | None:
        if flags & os.O_CREAT and self._file_calls.new_files_are_owned() and not self._exists(directory, path):
            return self._made(directory, path)
        if flags & WRITES and not flags & os.O_EXCL:
            follows = 0 if not flags & os.O_NOFOLLOW else AT_SYMLINK_NOFOLLOW
            self._written(directory, path, follows, with_content=not flags & os.O_TRUNC)
        return None

    def _exists(self, directory: int, path: int) -> bool:
        return os.path.lexists(self._thread.find(directory, path))

    def _made(self, directory: int, path: int) -> AtTheEnd | None:
        owner = self._file_calls.owner_of_new(directory, path)
        if owner is None:
            return None
        return lambda: self._file_calls.own_new(directory, path, owner)

    def _changed(self, directory: int, path: int, flags: int) -> None:
        if not path:  # utimensat(2) of an open file
            flags |= AT_EMPTY_PATH
        if not self._file_calls.has_record(directory, path, flags):
            return
        with self._thread.opened(directory, path, flags) as file:
            copy = self._parent_files.make_own(file)
        self._thread.left()
        if copy is not None:
            os.close(copy)

    def _written(self, directory: int, path: int, flags: int, with_content: bool) -> None:
        if not self._file_calls.has_record(directory, path, flags):
            return
        with self._thread.opened(directory, path, flags) as file:
            copy = self._parent_files.make_own(file, with_content)
            self._file_calls.lose_privileges(file if copy is None else copy)
        if copy is not None:
            os.close(copy)
