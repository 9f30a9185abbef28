"""From places on disk to the parts of a layer, in its order.

Depth first, the names within a directory bytewise, a directory directly before its contents, every
parent directory once, whiteouts first within theirs.  Memory holds one directory's names for each level,
whatever the size of the tree.

Most of every layer lies in directories that nothing else merges with; ``_plain_tree`` goes through those.
Where sources meet, ``_level`` looks at each name with care.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry
from laminix.errors import LaminixError, shown
from laminix.layers.file_entries import OPEN_DIRECTORY, EntryDefaults, Part, NameRun, read_entry, step
from laminix.layers.layer_tree import Place, Source
from laminix.parallel.chunks import CHUNK_SIZE

SYNTHESISED_MODE = 0o755  # of directories that no source has
WHITEOUT_MODE = 0o644
LONGEST_RUN = 256  # names

NOWHERE = Place()  # of a path about which nothing more is said


class Directory(NamedTuple):
    """A directory still to be gone into: its path in the layer, what merges in it, what is said below."""

    path: bytes
    sources: list[Source]
    place: Place


def parts(root: Place, look: EntryDefaults) -> Iterator[Part]:
    """The parts of the layer whose places are below ROOT, in order.

    Raises LaminixError for what a layer cannot hold and for sources that contradict each other.
    """
    top = Directory(b"", root.sources, root)
    if _is_plain(top):
        yield from _plain_tree(b"", top.sources[0])
        return
    stack = [_level(top, look)]
    while stack:
        # Go through the deepest level until it opens another directory.
        for part, directory in stack[-1]:
            yield part
            if directory is not None and _is_plain(directory):
                yield from _plain_tree(directory.path + b"/", directory.sources[0])
            elif directory is not None:
                stack.append(_level(directory, look))
                break
        else:
            stack.pop()


def _is_plain(directory: Directory) -> bool:
    """Whether the tree on disk below DIRECTORY goes into the layer as it is."""
    _, sources, place = directory
    return len(sources) == 1 and not place.below and not place.removed


def _plain_tree(prefix: bytes, source: Source) -> Iterator[NameRun]:
    """The runs below the directory SOURCE, whose paths begin with PREFIX.

    One directory is open at a time, and the way back up is its "..": the depth of a tree costs no
    descriptors, and no path gets too long.
    """
    parent, in_store = source
    above = []  # what is left to do in the directories above
    directory = os.open(parent, OPEN_DIRECTORY)
    try:
        left = _found_in(directory, parent)
        while True:
            names = _next_run(left)
            if not names:
                if not above:
                    return
                left, prefix, parent = above.pop()
                directory = step(directory, b"..")
                continue
            yield NameRun(parent, prefix, names, in_store)
            name, type = names[-1]
            if type == DIRECTORY:
                above.append((left, prefix, parent))
                prefix, parent = prefix + name + b"/", parent + b"/" + name
                directory = step(directory, name)
                left = _found_in(directory, parent)
    except OSError as error:
        raise LaminixError("cannot pack", error.strerror, parent) from None
    finally:
        os.close(directory)


def _next_run(left: Iterator[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What comes next of LEFT: no more than a run may have, and nothing after a directory."""
    names = []
    for found in left:
        names.append(found)
        if found[1] == DIRECTORY or len(names) == LONGEST_RUN:
            break
    return names


def _found_in(directory: int, path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The names in the open DIRECTORY, which is at PATH, bytewise; each with its type, as a run has it."""
    names: list[bytes] = []
    others: dict[bytes, bytes] = {}  # the types of those that are no files, which are few
    with os.scandir(directory) as found:
        for entry in found:
            name = os.fsencode(entry.name)
            names.append(name)
            if not entry.is_file(follow_symlinks=False):
                others[name] = DIRECTORY if entry.is_dir(follow_symlinks=False) else SYMLINK
    for name in names:
        _refuse_whiteout(name, path)
    names.sort()
    return ((name, others.get(name, FILE)) for name in names)


def _refuse_whiteout(name: bytes, directory: bytes) -> None:
    if name.startswith(WHITEOUT_PREFIX):
        why = "'.wh.' begins the names of whiteouts; use --remove for those"
        raise LaminixError("cannot pack", why, os.path.join(directory, name))


def _level(directory: Directory, look: EntryDefaults) -> Iterator[tuple[Part, Directory | None]]:
    """The parts directly in DIRECTORY; with each directory what is needed to go into it."""
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
            _refuse_whiteout(name, source.path)
            found.setdefault(name, []).append(Source(os.path.join(source.path, name), source.in_store))
    return found


def _merge(
    path: bytes, sources: list[Source], place: Place, look: EntryDefaults
) -> tuple[Part, Directory | None]:
    """The one part at PATH that all of SOURCES agree on, and the directory to go into, if it is one."""
    if not sources:
        return Entry(path, DIRECTORY, SYNTHESISED_MODE, *look), Directory(path, [], place)
    first, *others = [read_entry(path, source.path, source.in_store, look) for source in sources]
    for source, other in zip(sources[1:], others):
        _agree(first, other, sources[0].path, source.path)
    if first.type == DIRECTORY:
        return first, Directory(path, sources, place)
    if place.below:
        why = f"{shown(next(iter(place.below)))!r} cannot go below what is no directory"
        raise LaminixError("sources in conflict", why, sources[0].path)
    return _file_run(path, sources[0]) if first.type == FILE else first, None


def _file_run(path: bytes, source: Source) -> NameRun:
    """The run of a file alone.  A directory's name may be another in the layer than on disk, a file's never."""
    directory, name = os.path.split(source.path)
    return NameRun(directory, path[: -len(name)], [(name, FILE)], source.in_store)


def _agree(first: Entry, other: Entry, first_path: bytes, other_path: bytes) -> None:
    """Raises LaminixError, which names both, unless two sources say the same of one path."""
    difference = _difference(first, other, first_path, other_path)
    if difference:
        why = f"{shown(first_path)} and {shown(other_path)} differ in {difference}"
        raise LaminixError("sources in conflict", why, first.path)


def _difference(first: Entry, other: Entry, first_path: bytes, other_path: bytes) -> str | None:
    if first.type != other.type:
        return "type"
    if first.mode != other.mode:
        return f"mode: {first.mode:04o} and {other.mode:04o}"
    if first.link != other.link:
        return "target"
    if first.type == FILE and (first.size != other.size or not _same_content(first_path, other_path)):
        return "content"
    return None


def _same_content(first: bytes, other: bytes) -> bool:
    with open(first, "rb") as one, open(other, "rb") as two:
        while True:
            block = one.read(CHUNK_SIZE)
            if block != two.read(CHUNK_SIZE):
                return False
            if not block:
                return True
