"""Parts of a layer: runs of names that were found in a directory, to be looked at and read later.

To find the names takes a tenth of the time.  So one process goes through the tree, which settles what is
packed and in what order, and several make entries of the parts that it finds.
"""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry, File, Owner
from laminix.errors import LaminixError
from laminix.regular_file import kind_of

TYPES = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
PERMISSIONS = 0o1777  # what a copy keeps of a mode: neither setuid nor setgid
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, for a FIFO that takes a file's place after it was found.
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LONGEST_PATH = 4000  # bytes that every Linux takes at once


class EntryDefaults(NamedTuple):
    """What all entries of a layer have in common."""

    owner: Owner
    mtime: int  # seconds since the epoch


class NameRun(NamedTuple):
    """Names in one directory that follow each other in the layer."""

    directory: bytes  # on disk
    prefix: bytes  # of their paths in the layer
    names: list[tuple[bytes, bytes]]  # each with its type: FILE, DIRECTORY, or SYMLINK for all else
    in_store: bool  # modes are written as Nix keeps them: 0444 or 0555


Part = Entry | NameRun  # an entry that needs no second look, as whiteouts do


def read_entries(part: Part, look: EntryDefaults) -> Iterator[Entry]:
    """The entries of PART; a file's content is open until the next entry is asked for.

    Raises LaminixError for what a layer cannot hold and for what is no longer what was found.
    """
    if isinstance(part, Entry):
        yield part
        return
    # Names are looked up in an open directory, so that the kernel walks no path (a quarter less time),
    # and a file is looked at when it is open (a seventh less).
    parent, prefix, names, in_store = part
    owner, mtime = look
    directory = _open_directory(parent)
    try:
        for name, kind in names:
            if kind != FILE:
                entry = read_entry(prefix + name, name, in_store, look, directory, parent)
                _check(entry.type, kind, parent, name)
                yield entry
                continue
            descriptor = _open_file(directory, parent, name)
            try:
                status = os.fstat(descriptor)
                type, mode = _type_and_mode(status.st_mode, in_store)
                _check(type, FILE, parent, name)
                source = File(descriptor, parent, name)
                yield Entry(prefix + name, FILE, mode, owner, mtime, status.st_size, b"", (0, 0), (), source)
            finally:
                os.close(descriptor)
    finally:
        os.close(directory)


def read_entry(
    path: bytes, name: bytes, in_store: bool, look: EntryDefaults, directory: int | None = None, parent: bytes = b""
) -> Entry:
    """The entry at PATH of the layer for what is at NAME, without its content.

    NAME is relative to the open DIRECTORY, whose path is PARENT; or a whole path.
    Raises LaminixError for what a layer cannot hold.
    """
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        type, mode = _type_and_mode(status.st_mode, in_store)
        link = os.readlink(name, dir_fd=directory) if type == SYMLINK else b""
    except OSError as error:
        raise LaminixError("cannot pack", error.strerror, os.path.join(parent, name)) from None
    if type is None:
        why = f"found {kind_of(status.st_mode)}; a layer takes files, directories and links"
        raise LaminixError("cannot pack", why, os.path.join(parent, name))
    return Entry(path, type, mode, *look, status.st_size if type == FILE else 0, link)


@lru_cache
def _type_and_mode(mode: int, in_store: bool) -> tuple[bytes | None, int]:
    """An entry's type, None for what a layer does not take, and the permissions to write.

    A store path's are those that Nix keeps, whatever this disk made of them.
    """
    type = TYPES.get(stat.S_IFMT(mode))
    if type == SYMLINK:
        return type, 0o777
    if not in_store:
        return type, mode & PERMISSIONS
    return type, 0o555 if type == DIRECTORY or mode & stat.S_IXUSR else 0o444


def _check(type: bytes | None, found: bytes, parent: bytes, name: bytes) -> None:
    if type != found:
        raise LaminixError("cannot pack", "it became something else while it was read", os.path.join(parent, name))


def _open_file(directory: int, parent: bytes, name: bytes) -> int:
    try:
        return os.open(name, OPEN_FILE, dir_fd=directory)
    except OSError as error:
        why = f"the file cannot be read: {error.strerror}"
        raise LaminixError("cannot pack", why, os.path.join(parent, name)) from None


def _open_directory(path: bytes) -> int:
    """The directory at PATH, opened, however long its path is."""
    descriptor, rest = None, path
    try:
        while len(rest) > LONGEST_PATH:
            cut = rest.rindex(b"/", 0, LONGEST_PATH)
            descriptor, rest = step(descriptor, rest[:cut]), rest[cut + 1 :]
        return step(descriptor, rest)
    except OSError as error:
        raise LaminixError("cannot pack", error.strerror, path) from None


def step(directory: int | None, name: bytes) -> int:
    """NAME in the open DIRECTORY, opened; DIRECTORY is closed."""
    other = os.open(name, OPEN_DIRECTORY, dir_fd=directory)
    if directory is not None:
        os.close(directory)
    return other
