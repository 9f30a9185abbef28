"""Walk the tree of a layer and yield its segments in order.

The order is depth first: names within a directory are bytewise, a directory comes directly before its contents,
each parent directory comes once, and whiteouts come first in their directory. Memory holds the names of one
directory for each level, whatever the size of the tree.

Most files of a layer lie in directories with a single source. ``_plain_tree`` walks those. Where sources merge,
``_level`` compares them name by name.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from laminix.errors import LaminixError, shown
from laminix.layers.file_entries import OPEN_DIRECTORY, EntryDefaults, NameRun, Segment, enter_directory, read_entry
from laminix.layers.layer_tree import LayerNode, Source
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.tar.entries import DIRECTORY, FILE, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry

SYNTHESISED_MODE = 0o755  # mode of parent directories that no source has
WHITEOUT_MODE = 0o644
LONGEST_RUN = 256  # names

EMPTY_NODE = LayerNode()  # the node of a path that is only in a source


class Directory(NamedTuple):
    """A directory still to be walked: its path in the layer, the directories merged there, its node."""

    path: bytes
    sources: list[Source]
    node: LayerNode


def walk_tree(root: LayerNode, defaults: EntryDefaults) -> Iterator[Segment]:
    """Yield the segments of the layer with the tree ROOT, in order.

    Raises LaminixError for a file that a layer cannot contain and for sources that contradict each other.
    """
    top = Directory(b"", root.sources, root)
    if _is_plain(top):
        yield from _plain_tree(b"", top.sources[0])
        return
    stack = [_level(top, defaults)]
    while stack:
        # Continue the deepest level until it reaches another directory.
        for segment, directory in stack[-1]:
            yield segment
            if directory is not None and _is_plain(directory):
                yield from _plain_tree(directory.path + b"/", directory.sources[0])
            elif directory is not None:
                stack.append(_level(directory, defaults))
                break
        else:
            stack.pop()


def _is_plain(directory: Directory) -> bool:
    """Return whether DIRECTORY has a single source and nothing else at or below its path."""
    _, sources, node = directory
    return len(sources) == 1 and not node.children and not node.removed


def _plain_tree(prefix: bytes, source: Source) -> Iterator[NameRun]:
    """Yield the runs below the directory SOURCE; their paths start with PREFIX.

    One directory is open at a time, and ".." leads back to its parent. So a deep tree needs neither many descriptors
    nor long paths.
    """
    parent, in_store = source
    above = []  # for each directory above: its remaining names, its prefix and its path
    directory = os.open(parent, OPEN_DIRECTORY)
    try:
        left = _names_in(directory, parent)
        while True:
            names = _next_run(left)
            if not names:
                if not above:
                    return
                left, prefix, parent = above.pop()
                directory = enter_directory(directory, b"..")
                continue
            yield NameRun(parent, prefix, names, in_store)
            name, type = names[-1]
            if type == DIRECTORY:
                above.append((left, prefix, parent))
                prefix, parent = prefix + name + b"/", parent + b"/" + name
                directory = enter_directory(directory, name)
                left = _names_in(directory, parent)
    except OSError as error:
        raise LaminixError("cannot pack", error.strerror, parent) from None
    finally:
        os.close(directory)


def _next_run(left: Iterator[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the next names of LEFT: at most LONGEST_RUN, ending after the first directory."""
    names = []
    for found in left:
        names.append(found)
        if found[1] == DIRECTORY or len(names) == LONGEST_RUN:
            break
    return names


def _names_in(directory: int, path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return the names in the open DIRECTORY at PATH in bytewise order, each with its type as in a NameRun."""
    names: list[bytes] = []
    others: dict[bytes, bytes] = {}  # types of all that are not files, which are few
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
        why = "names that start with '.wh.' are reserved for whiteouts; use --remove to delete files of lower layers"
        raise LaminixError("cannot pack", why, os.path.join(directory, name))


def _level(directory: Directory, defaults: EntryDefaults) -> Iterator[tuple[Segment, Directory | None]]:
    """Yield the segments directly in DIRECTORY, each with the directory to walk next, or None."""
    path, sources, node = directory
    prefix = path + b"/" if path else b""
    for name in _whiteouts(directory):
        yield Entry(prefix + name, FILE, WHITEOUT_MODE, defaults.owner, defaults.mtime), None
    found = _names(sources)
    for name in sorted(found.keys() | node.children.keys()):
        child = node.children.get(name, EMPTY_NODE)
        merged = found.get(name, []) + child.sources
        if merged or _has_sources(child) or not child.removed and _has_removed_below(child):
            yield _merge(prefix + name, merged, child, defaults)


def _whiteouts(directory: Directory) -> list[bytes]:
    """Return the names of the whiteouts in DIRECTORY.

    A removed path that the layer provides again needs no whiteout: a file replaces the lower one, and a directory,
    which would merge with the lower one, is marked opaque.
    """
    _, sources, node = directory
    if node.removed:
        return [OPAQUE]
    gone = (name for name, child in node.children.items() if child.removed and not _has_sources(child))
    return sorted(WHITEOUT_PREFIX + name for name in gone if not _has(sources, name))


def _has(sources: list[Source], name: bytes) -> bool:
    return any(os.path.lexists(os.path.join(source.path, name)) for source in sources)


def _has_sources(node: LayerNode) -> bool:
    """Return whether NODE or any node below it has sources."""
    return bool(node.sources) or any(below.sources for below in _below(node))


def _has_removed_below(node: LayerNode) -> bool:
    """Return whether any node below NODE is removed."""
    return any(below.removed for below in _below(node))


def _below(node: LayerNode) -> Iterator[LayerNode]:
    """Yield all nodes below NODE."""
    left = list(node.children.values())
    while left:
        below = left.pop()
        yield below
        left += below.children.values()


def _names(sources: list[Source]) -> dict[bytes, list[Source]]:
    """Return the contents of the directories SOURCES: for each name the sources that have it."""
    found: dict[bytes, list[Source]] = {}
    for source in sources:
        for name in os.listdir(source.path):
            _refuse_whiteout(name, source.path)
            found.setdefault(name, []).append(Source(os.path.join(source.path, name), source.in_store))
    return found


def _merge(
    path: bytes, sources: list[Source], node: LayerNode, defaults: EntryDefaults
) -> tuple[Segment, Directory | None]:
    """Return the segment at PATH, on which all SOURCES must agree, and the directory to walk next, or None."""
    if not sources:
        return Entry(path, DIRECTORY, SYNTHESISED_MODE, defaults.owner, defaults.mtime), Directory(path, [], node)
    first, *others = [read_entry(path, source.path, source.in_store, defaults) for source in sources]
    for source, other in zip(sources[1:], others):
        _check_agreement(first, other, sources[0].path, source.path)
    if first.type == DIRECTORY:
        return first, Directory(path, sources, node)
    if node.children:
        why = f"another source has {shown(next(iter(node.children)))!r} below this path, which is not a directory"
        raise LaminixError("sources in conflict", why, sources[0].path)
    return _file_run(path, sources[0]) if first.type == FILE else first, None


def _file_run(path: bytes, source: Source) -> NameRun:
    """Return a run of one file, whose name in the layer may differ from its name on disk."""
    directory, name = os.path.split(source.path)
    return NameRun(directory, b"", [(name, FILE)], source.in_store, path)


def _check_agreement(first: Entry, other: Entry, first_path: bytes, other_path: bytes) -> None:
    """Raise LaminixError, naming both sources, unless their entries for one path are the same."""
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
