"""From places on disk to entries, in the order of a layer.

Depth first, the names within a directory bytewise, a directory directly before its contents, every
parent directory once, whiteouts first within theirs.  Memory holds one directory's names for each level,
whatever the size of the tree.
"""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from laminix.entries import DIRECTORY, FILE, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry, Owner
from laminix.errors import LaminixError, shown
from laminix.sources import Place, Source, kind

SYNTHESISED_MODE = 0o755  # of directories that no source has
WHITEOUT_MODE = 0o644
PERMISSIONS = 0o1777  # what a copy keeps of a mode: neither setuid nor setgid
COMPARED_AT_ONCE = 1 << 20  # bytes


class Directory(NamedTuple):
    """A directory still to be gone into: its path in the layer, what merges in it, what is said below."""

    path: bytes
    sources: list[Source]
    place: Place


NOWHERE = Place()  # the place of a directory about which nothing more is said


def entries(root: Place, owner: Owner, mtime: int) -> Iterator[Entry]:
    """The entries of the layer whose places are below ROOT, in order.

    Raises LaminixError for what a layer cannot hold and for sources that contradict each other.
    """
    stack = [_level(Directory(b"", root.sources, root), owner, mtime)]
    while stack:
        # Go through the deepest level until it opens another directory.
        for entry, directory in stack[-1]:
            yield entry
            if directory is not None:
                stack.append(_level(directory, owner, mtime))
                break
        else:
            stack.pop()


def _level(
    directory: Directory, owner: Owner, mtime: int
) -> Iterator[tuple[Entry, Directory | None]]:
    """The entries directly in DIRECTORY; with each directory what is needed to go into it."""
    path, sources, place = directory
    prefix = path + b"/" if path else b""
    if len(sources) == 1 and not place.below and not place.removed:
        yield from _plain_level(prefix, sources[0], owner, mtime)
        return
    for name in _whiteouts(directory):
        yield Entry(prefix + name, FILE, WHITEOUT_MODE, owner, mtime), None
    found = _names(sources)
    for name in sorted(found.keys() | place.below.keys()):
        below = place.below.get(name, NOWHERE)
        merged = found.get(name, []) + below.sources
        if merged or _packs(below) or not below.removed and _hides(below):
            yield _merge(prefix + name, merged, below, owner, mtime)


def _plain_level(
    prefix: bytes, source: Source, owner: Owner, mtime: int
) -> Iterator[tuple[Entry, Directory | None]]:
    """The hot loop, for a directory that nothing merges with: most of every layer is read here."""
    with os.scandir(source.path) as scan:
        found = sorted(scan, key=lambda item: item.name)
    for item in found:
        _refuse_whiteout(item.name, item.path)
        status = item.stat(follow_symlinks=False)
        entry = _entry(prefix + item.name, item.path, status, source.in_store, owner, mtime)
        if entry.type == DIRECTORY:
            yield entry, Directory(entry.path, [Source(item.path, source.in_store)], NOWHERE)
        else:
            yield entry, None


def _entry(
    path: bytes, on_disk: bytes, found: os.stat_result, in_store: bool, owner: Owner, mtime: int
) -> Entry:
    mode = found.st_mode
    if stat.S_ISREG(mode):
        return Entry(path, FILE, _mode(mode, in_store), owner, mtime, found.st_size, source=on_disk)
    if stat.S_ISDIR(mode):
        return Entry(path, DIRECTORY, _mode(mode, in_store), owner, mtime)
    if stat.S_ISLNK(mode):
        return Entry(path, SYMLINK, 0o777, owner, mtime, link=os.readlink(on_disk))
    raise LaminixError("cannot pack", f"found {kind(mode)}; a layer takes files, directories and links", on_disk)


def _mode(mode: int, in_store: bool) -> int:
    """The permissions to write: a store path's as Nix keeps them, whatever this disk made of them."""
    if not in_store:
        return mode & PERMISSIONS
    return 0o555 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o444


def _whiteouts(directory: Directory) -> list[bytes]:
    """The names of the whiteouts in DIRECTORY.

    A removed path that the layer has anew needs no whiteout if it is no directory, since it replaces what
    was there; a directory would merge with that, so it is marked opaque instead.
    """
    _, sources, place = directory
    if place.removed:
        return [OPAQUE]
    gone = (name for name, below in place.below.items() if below.removed and not _packs(below))
    return sorted(WHITEOUT_PREFIX + name for name in gone if not _has(sources, name))


def _has(sources: list[Source], name: bytes) -> bool:
    return any(os.path.lexists(os.path.join(source.path, name)) for source in sources)


def _packs(place: Place) -> bool:
    """Whether anything is packed at PLACE or below it."""
    return bool(place.sources) or any(_packs(below) for below in place.below.values())


def _hides(place: Place) -> bool:
    """Whether anything below PLACE is removed."""
    return any(below.removed or _hides(below) for below in place.below.values())


def _names(sources: list[Source]) -> dict[bytes, list[Source]]:
    """What the merging directories hold, by name."""
    found: dict[bytes, list[Source]] = {}
    for source in sources:
        for name in os.listdir(source.path):
            path = os.path.join(source.path, name)
            _refuse_whiteout(name, path)
            found.setdefault(name, []).append(Source(path, source.in_store))
    return found


def _refuse_whiteout(name: bytes, path: bytes) -> None:
    if name.startswith(WHITEOUT_PREFIX):
        raise LaminixError("cannot pack", "'.wh.' begins the names of whiteouts; use --remove for those", path)


def _merge(
    path: bytes, sources: list[Source], place: Place, owner: Owner, mtime: int
) -> tuple[Entry, Directory | None]:
    """The one entry at PATH that all of SOURCES agree on, and the directory to go into, if it is one."""
    if not sources:
        return Entry(path, DIRECTORY, SYNTHESISED_MODE, owner, mtime), Directory(path, [], place)
    first, *others = [
        _entry(path, source.path, os.lstat(source.path), source.in_store, owner, mtime) for source in sources
    ]
    for source, other in zip(sources[1:], others):
        _agree(first, other, sources[0].path, source.path)
    if first.type == DIRECTORY:
        return first, Directory(path, sources, place)
    if place.below:
        why = f"{shown(next(iter(place.below)))!r} cannot go below what is no directory"
        raise LaminixError("sources in conflict", why, sources[0].path)
    return first, None


def _agree(first: Entry, other: Entry, first_path: bytes, other_path: bytes) -> None:
    """Raises LaminixError, which names both, unless two sources say the same of one path."""
    difference = _difference(first, other, other_path)
    if difference:
        why = f"{shown(first_path)} and {shown(other_path)} differ in {difference}"
        raise LaminixError("sources in conflict", why, first.path)


def _difference(first: Entry, other: Entry, other_path: bytes) -> str | None:
    if first.type != other.type:
        return "type"
    if first.mode != other.mode:
        return f"mode: {first.mode:04o} and {other.mode:04o}"
    if first.link != other.link:
        return "target"
    if first.type == FILE and (first.size != other.size or not _same_content(first.source, other_path)):
        return "content"
    return None


def _same_content(first: bytes, other: bytes) -> bool:
    with open(first, "rb") as one, open(other, "rb") as two:
        while True:
            block = one.read(COMPARED_AT_ONCE)
            if block != two.read(COMPARED_AT_ONCE):
                return False
            if not block:
                return True
