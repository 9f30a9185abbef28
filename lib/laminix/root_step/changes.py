"""What a step has changed, as the entries of a layer (image-spec layer.md), in mk-layer's order.

A file that ends as it was in the parent is no change, whatever happened to it meanwhile.
"""

import os
import stat
from collections.abc import Generator, Iterator
from typing import NamedTuple

from laminix.errors import LaminixError
from laminix.root_step.file_records import Attributes, FileRecords, Key, key_of
from laminix.root_step.step_tree import KINDS, attributes_of_entry
from laminix.tar.entries import (
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    DIRECTORY,
    FILE,
    HARD_LINK,
    OPAQUE,
    SYMLINK,
    WHITEOUT_PREFIX,
    Entry,
    File,
    Owner,
)

WHAT = "cannot pack"
TYPES = {kind: type for type, kind in KINDS.items()}
WHITEOUT_MODE = 0o644
OPAQUE_MARK = "user.overlay.opaque"  # an upper directory without anything of the lower ones (userxattr)
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
PIECE = 1 << 20  # bytes


class Level(NamedTuple):
    """A directory of the step's tree: its path, and open in the merged tree and among what has changed."""

    path: bytes
    merged: int
    upper: int | None  # None: nothing in it has changed but on the records
    is_new: bool  # nothing of a directory of the parent shows through

    def join(self, name: bytes) -> bytes:
        """The path of NAME in it."""
        return self.path + b"/" + name if self.path else name

    def close(self) -> None:
        """Close what is open."""
        os.close(self.merged)
        if self.upper is not None:
            os.close(self.upper)


class Walk(NamedTuple):
    """A directory that is being walked. No function calls itself for those below: they may be thousands."""

    level: Level
    contents: "Generator[Entry | Walk, None, None]"
    entry: Entry | None  # None: the root
    is_needed: bool  # the entry is in the layer even if nothing in the directory is


class Changes:
    """What has changed since ENTRIES, the tree as the step found it.

    The working directory is where ``step_tree`` laid that out.
    """

    def __init__(self, entries: dict[bytes, Entry], records: FileRecords, mtime: int, devices: bool):
        self._before = entries
        self._records = records
        self._mtime = mtime
        self._devices = devices
        self._names_before: dict[bytes, list[bytes]] = {}
        for path in entries:
            directory, name = os.path.split(path)
            self._names_before.setdefault(directory, []).append(name)
        # Files of the parent's tree that changed hands or modes are not among what overlayfs shows as changed.
        # These are their names by directory, and those of the directories that lead to them.
        self._recorded: dict[bytes, set[bytes]] = {}
        for record in records.changed_parents_files():
            path = record.parent_path
            while path:
                directory, name = os.path.split(path)
                self._recorded.setdefault(directory, set()).add(name)
                path = directory
        self._links: dict[Key, bytes] = {}  # the paths of files that may have further names

    def entries(self) -> Iterator[Entry]:
        """The entries of the layer.  A file's content is open until the next entry is asked for.

        Raises LaminixError for device nodes, unless they are wanted.
        """
        top = Level(b"", os.open("merged", OPEN_DIRECTORY), os.open("upper", OPEN_DIRECTORY), False)
        walks = [Walk(top, self._contents(top), None, False)]
        waiting: list[Entry | None] = []  # directories on the way, each in the layer only if something in it is
        try:
            while walks:
                found = next(walks[-1].contents, None)
                if found is None:
                    walk = walks.pop()
                    walk.level.close()
                    if waiting and waiting[-1] is walk.entry:
                        waiting.pop()
                    continue
                if isinstance(found, Walk):
                    walks.append(found)
                    waiting.append(found.entry)
                if isinstance(found, Entry) or found.is_needed:
                    yield from waiting
                    waiting.clear()
                if isinstance(found, Entry):
                    yield found
        finally:
            for walk in walks:
                walk.contents.close()
                walk.level.close()

    def _contents(self, level: Level) -> "Generator[Entry | Walk, None, None]":
        """The entries directly in a directory, and a walk for each directory in it."""
        there, gone = self._names(level)
        yield from self._whiteouts(level, there, gone)
        for name in sorted(there):
            if name.startswith(WHITEOUT_PREFIX):
                why = "names that start with '.wh.' are reserved for whiteouts; let the command remove the file"
                raise LaminixError(WHAT, why, level.join(name))
            status = os.lstat(name, dir_fd=level.merged)
            if stat.S_ISDIR(status.st_mode):
                yield self._directory(level, name, status)
            elif not stat.S_ISSOCK(status.st_mode):
                yield from self._file(level, name, status)

    def _names(self, level: Level) -> tuple[set[bytes], set[bytes]]:
        """The names in a directory that may have changed, and those that are gone."""
        there, gone = set(), set()
        before = self._names_before.get(level.path, ())
        if level.upper is not None:
            with os.scandir(level.upper) as found:
                for entry in found:
                    (gone if _is_whiteout(entry) else there).add(os.fsencode(entry.name))
        if level.is_new:
            return there, set(before) - there
        return there | self._recorded.get(level.path, set()) - gone, gone.intersection(before)

    def _whiteouts(self, level: Level, there: set[bytes], gone: set[bytes]) -> Iterator[Entry]:
        if not gone:
            return
        before = self._names_before[level.path]
        is_opaque = level.is_new and len(gone) == len(before)
        names = [OPAQUE] if is_opaque else sorted(WHITEOUT_PREFIX + name for name in gone)
        for name in names:
            yield Entry(level.join(name), FILE, WHITEOUT_MODE, Owner(), self._mtime)

    def _directory(self, level: Level, name: bytes, status: os.stat_result) -> "Walk":
        path = level.join(name)
        entry = self._entry(path, self._records.attributes(status))
        was = self._before.get(path)
        below = self._open(level, name, path, level.is_new or was is None or was.type != DIRECTORY)
        is_changed = was is not None and attributes_of_entry(was) != self._records.attributes(status)
        return Walk(below, self._contents(below), entry._replace(explicit=is_changed), was is None or is_changed)

    def _open(self, level: Level, name: bytes, path: bytes, is_new: bool) -> Level:
        merged = os.open(name, OPEN_DIRECTORY, dir_fd=level.merged)
        try:
            upper = None if level.upper is None else os.open(name, OPEN_DIRECTORY, dir_fd=level.upper)
        except FileNotFoundError:
            upper = None
        is_opaque = upper is not None and OPAQUE_MARK in os.listxattr(upper)
        return Level(path, merged, upper, is_new or is_opaque)

    def _file(self, level: Level, name: bytes, status: os.stat_result) -> Iterator[Entry]:
        attributes = self._records.attributes(status)
        path = level.join(name)
        if stat.S_IFMT(status.st_mode) == stat.S_IFLNK:
            attributes = attributes._replace(mode=0o777)
        if not self._is_as_before(level, name, attributes, status):
            yield from self._packed(level, name, self._entry(path, attributes), status)

    def _packed(self, level: Level, name: bytes, entry: Entry, status: os.stat_result) -> Iterator[Entry]:
        if entry.type in (CHARACTER_DEVICE, BLOCK_DEVICE) and not self._devices:
            why = "found a device node, which most engines refuse; remove it, or ask for device nodes with --devices"
            raise LaminixError(WHAT, why, entry.path)
        if status.st_nlink > 1:
            first = self._links.setdefault(key_of(status), entry.path)
            if first != entry.path:
                yield entry._replace(type=HARD_LINK, link=first, xattrs=(), device=(0, 0))
                return
        if entry.type == SYMLINK:
            yield entry._replace(link=os.readlink(name, dir_fd=level.merged))
        elif entry.type == FILE:
            descriptor = os.open(name, OPEN_FILE, dir_fd=level.merged)
            try:
                yield entry._replace(size=status.st_size, source=File(descriptor, level.path, name))
            finally:
                os.close(descriptor)
        else:
            yield entry

    def _entry(self, path: bytes, attributes: Attributes) -> Entry:
        kind, mode, uid, gid, device, xattrs = attributes
        numbers = (os.major(device), os.minor(device)) if kind in (stat.S_IFCHR, stat.S_IFBLK) else (0, 0)
        return Entry(path, TYPES[kind], mode, Owner(uid, gid), self._mtime, 0, b"", numbers, xattrs)

    def _is_as_before(self, level: Level, name: bytes, attributes: Attributes, status: os.stat_result) -> bool:
        was = self._before.get(level.join(name))
        if was is None or attributes_of_entry(was) != attributes:
            return False
        if was.type == SYMLINK:
            return os.readlink(name, dir_fd=level.merged) == was.link
        return was.type != FILE or _same_content(was.path, name, level.merged, status.st_size)


def _is_whiteout(entry: os.DirEntry) -> bool:
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink():
        return False
    status = entry.stat(follow_symlinks=False)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _same_content(path: bytes, name: bytes, directory: int, size: int) -> bool:
    """Whether the file NAME, of SIZE bytes, has the content that PATH had before the step."""
    place = next(top + path for top in (b"lower/", b"base/") if os.path.lexists(top + path))
    if os.lstat(place).st_size != size:
        return False
    with open(place, "rb", buffering=0) as old:
        descriptor = os.open(name, OPEN_FILE, dir_fd=directory)
        with open(descriptor, "rb", buffering=0) as new:
            while True:
                piece = old.read(PIECE)
                if piece != new.read(PIECE):
                    return False
                if not piece:
                    return True
