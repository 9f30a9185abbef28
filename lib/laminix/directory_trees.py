"""Directory trees on disk, however deep: os.walk and shutil.rmtree recurse, and fail below a thousand levels."""

import contextlib
import os
from collections.abc import Iterator

OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def walk(directory: bytes) -> Iterator[os.DirEntry]:
    """Yield everything below DIRECTORY: a directory before its contents, names in bytewise order.

    Follows no links. Raises OSError for a directory that cannot be read.
    """
    left = [_sorted(directory)]
    while left:
        entry = next(left[-1], None)
        if entry is None:
            left.pop()
            continue
        yield entry
        if entry.is_dir(follow_symlinks=False):
            left.append(_sorted(entry.path))


def _sorted(directory: bytes) -> Iterator[os.DirEntry]:
    with os.scandir(directory) as found:
        return iter(sorted(found, key=lambda entry: entry.name))


def remove_tree(path: str | bytes) -> None:
    """Remove the directory at PATH and everything below it; leave what cannot be removed.

    One directory is open at a time, and ``..`` leads back up, so no path is too long.
    """
    with contextlib.suppress(OSError):
        _empty(os.open(path, OPEN))
        os.rmdir(path)


def _empty(descriptor: int) -> None:
    """Remove everything below the open directory DESCRIPTOR, and close it."""
    try:
        above: list[tuple[str, list[str]]] = []  # for each directory on the way: its name, and what is left beside it
        left = _remove_files(descriptor)
        while left or above:
            if left:
                name = left.pop()
                with contextlib.suppress(OSError):
                    descriptor = _step(descriptor, name)
                    above.append((name, left))
                    left = _remove_files(descriptor)
                continue
            name, left = above.pop()
            descriptor = _step(descriptor, "..")
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _remove_files(descriptor: int) -> list[str]:
    """Remove everything but directories in the open directory; return the names of the directories."""
    with os.scandir(descriptor) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_directory in entries:
        if not is_directory:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=descriptor)
    return [name for name, is_directory in entries if is_directory]


def _step(descriptor: int, name: str) -> int:
    """Return NAME in the open directory DESCRIPTOR, opened, and close the latter."""
    other = os.open(name, OPEN, dir_fd=descriptor)
    os.close(descriptor)
    return other
