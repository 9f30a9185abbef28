"""From places on disk to entries, in the order of a layer.

Depth first, the names within a directory bytewise, a directory directly before its contents, every
parent directory once, whiteouts first within theirs.  Memory holds one directory's names for each level,
whatever the size of the tree.

Most of every layer lies in directories that nothing else merges with; ``_plain_tree`` walks those and is
the hot loop.  Where sources meet, ``_level`` looks at each name with care.
"""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry, File, Owner
from laminix.errors import LaminixError, shown
from laminix.layers.sources import Place, Source, kind_of

SYNTHESISED_MODE = 0o755  # of directories that no source has
WHITEOUT_MODE = 0o644
PERMISSIONS = 0o1777  # what a copy keeps of a mode: neither setuid nor setgid
COMPARED_AT_ONCE = 1 << 20  # bytes


NOWHERE = Place()  # of a path about which nothing more is said
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Directory(NamedTuple):
    """A directory still to be gone into: its path in the layer, what merges in it, what is said below."""

    path: bytes
    sources: list[Source]
    place: Place


class Look(NamedTuple):
    """What all entries of a layer have in common."""

    owner: Owner
    mtime: int  # seconds since the epoch


def entries(root: Place, owner: Owner, mtime: int) -> Iterator[Entry]:
    """The entries of the layer whose places are below ROOT, in order.

    An entry's source is good until the next entry is asked for.  Raises LaminixError for what a layer
    cannot hold and for sources that contradict each other.
    """
    look = Look(owner, mtime)
    stack = [_level(Directory(b"", root.sources, root), look)]
    while stack:
        # Go through the deepest level until it opens another directory.
        for entry, directory in stack[-1]:
            yield entry
            if directory is not None and _is_plain(directory):
                yield from _plain_tree(directory.path + b"/", directory.sources[0], look)
            elif directory is not None:
                stack.append(_level(directory, look))
                break
        else:
            stack.pop()


def _is_plain(directory: Directory) -> bool:
    """Whether the tree on disk below DIRECTORY goes into the layer as it is."""
    _, sources, place = directory
    return len(sources) == 1 and not place.below and not place.removed


def _plain_tree(prefix: bytes, source: Source, look: Look) -> Iterator[Entry]:
    """The entries below the directory SOURCE, whose paths begin with PREFIX.

    Names are looked up in an open directory, so that the kernel walks no path (a quarter less time than
    with whole paths).  One directory is open at a time, and the way back up is its "..": the depth of a
    tree costs no descriptors, and no path gets too long.
    """
    parent, in_store = source
    name = b""
    above = []  # what is left to do in the directories above
    directory = os.open(parent, OPEN_DIRECTORY)
    try:
        names = _names_in(directory)
        while True:
            for name in names:
                path = prefix + name
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                entry = _entry(path, File(directory, name, parent), status, in_store, look)
                yield entry
                if entry.type == DIRECTORY:
                    above.append((names, prefix, parent))
                    prefix, parent = path + b"/", parent + b"/" + name
                    directory = _step(directory, name)
                    names = _names_in(directory)
                    break
            else:
                if not above:
                    return
                names, prefix, parent = above.pop()
                directory = _step(directory, b"..")
    except OSError as error:
        raise LaminixError("cannot pack", error.strerror, parent + b"/" + name) from None
    finally:
        os.close(directory)


def _step(directory: int, name: bytes) -> int:
    """NAME in the open DIRECTORY, opened; DIRECTORY is closed."""
    other = os.open(name, OPEN_DIRECTORY, dir_fd=directory)
    os.close(directory)
    return other


def _names_in(directory: int) -> Iterator[bytes]:
    """The names in an open directory, bytewise."""
    return iter(sorted(map(os.fsencode, os.listdir(directory))))


def _level(directory: Directory, look: Look) -> Iterator[tuple[Entry, Directory | None]]:
    """The entries directly in DIRECTORY; with each directory what is needed to go into it."""
    path, sources, place = directory
    prefix = path + b"/" if path else b""
    for name in _whiteouts(directory):
        yield Entry(prefix + name, FILE, WHITEOUT_MODE, *look), None
    found = _names(sources)
    for name in sorted(found.keys() | place.below.keys()):
        below = place.below.get(name, NOWHERE)
        merged = found.get(name, []) + below.sources
        if merged or _packs(below) or not below.removed and _hides(below):
            yield _merge(prefix + name, merged, below, look)


def _entry(path: bytes, on_disk: File, status: os.stat_result, in_store: bool, look: Look) -> Entry:
    """The entry at PATH of the layer for what is ON_DISK."""
    if path.rpartition(b"/")[2].startswith(WHITEOUT_PREFIX):
        why = "'.wh.' begins the names of whiteouts; use --remove for those"
        raise LaminixError("cannot pack", why, on_disk.path())
    mode = status.st_mode
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFREG:
        return Entry(path, FILE, _mode(mode, in_store), *look, status.st_size, source=on_disk)
    if kind == stat.S_IFDIR:
        return Entry(path, DIRECTORY, _mode(mode, in_store), *look)
    if kind == stat.S_IFLNK:
        target = os.readlink(on_disk.name, dir_fd=on_disk.directory)
        return Entry(path, SYMLINK, 0o777, *look, link=target)
    why = f"found {kind_of(mode)}; a layer takes files, directories and links"
    raise LaminixError("cannot pack", why, on_disk.path())


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
            found.setdefault(name, []).append(Source(os.path.join(source.path, name), source.in_store))
    return found


def _merge(path: bytes, sources: list[Source], place: Place, look: Look) -> tuple[Entry, Directory | None]:
    """The one entry at PATH that all of SOURCES agree on, and the directory to go into, if it is one."""
    if not sources:
        return Entry(path, DIRECTORY, SYNTHESISED_MODE, *look), Directory(path, [], place)
    first, *others = [
        _entry(path, File(None, source.path), os.lstat(source.path), source.in_store, look) for source in sources
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
    if first.type == FILE and (first.size != other.size or not _same_content(first.source.name, other_path)):
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
