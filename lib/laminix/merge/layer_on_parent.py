"""The adaptation of a layer to a parent image: its members move where the parent's links lead, or are left out.

If the layer has a directory where the parent has a symbolic link to a directory, its contents move to the link's
target. Otherwise the directory would replace the link and hide what the parent has there. A directory of the parent
keeps its owner and mode unless they are explicit in the layer. Members that the parent already has can be left out.
A layer that needs no change is kept as it is, so that images can share it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from laminix.errors import LaminixError, shown
from laminix.images.layer_tar import LayerTar, Member
from laminix.merge.merged_tree import MergedTree, Node, content_digest
from laminix.tar.entries import (
    DIRECTORY,
    FILE,
    HARD_LINK,
    OPAQUE,
    SYMLINK,
    Entry,
    hidden_name,
    is_whiteout,
    layer_order,
)
from laminix.tar.reader import member_path
from laminix.tar.writer import END, header, padding

CANNOT_MERGE = "cannot merge the layer with its parent"


class LowerTree(NamedTuple):
    """The tree below a layer: the merged tree of the parent and of the image's own lower layers."""

    tree: MergedTree
    parent_layers: int  # number of the tree's layers that belong to the parent

    def parent_node(self, path: bytes) -> Node | None:
        """Return the parent's node at PATH; None if it is missing or replaced by one of the image's own layers."""
        node = self.tree.find(path)
        return node if node is not None and 0 <= node.layer < self.parent_layers else None


def adapt_members(tar: LayerTar, lower: LowerTree, skip_existing: bool) -> list[Member] | None:
    """Return the members of the layer TAR adapted to the tree below, in layer order; None if nothing changes.

    With SKIP_EXISTING, leaves out members that the parent has. Directories above remaining members are kept,
    because engines would create missing ones with default modes. Afterwards LOWER includes the layer.
    Raises LaminixError if two different members move to the same path, or one moves into what is not a directory.
    """
    members = without_hard_links(tar.members())
    _apply_whiteouts(members, lower)
    moved, changed = _move_members(members, tar, lower)
    existing = _existing(moved, tar, lower) if skip_existing else set()
    remaining = [path for path in moved if path not in existing]
    needed = _ancestors(remaining)
    missing = needed - moved.keys()
    result = [member for path, member in moved.items() if path not in existing or path in needed]
    changed = changed or len(result) < len(moved) or any(lower.parent_node(path) for path in missing)
    if changed:
        result += [_directory(path, lower.tree) for path in missing]
        result.sort(key=lambda member: layer_order(member.entry.path))
        result = with_hard_links(result)
    _add_entries(lower.tree, (member.entry for member in result))
    return result if changed else None


def _apply_whiteouts(members: Sequence[Member], lower: LowerTree) -> None:
    """Delete from the tree below what MEMBERS hide there: first of all links that whiteouts further down pass."""
    whiteouts = [member.entry.path for member in members if is_whiteout(member.entry.path)]
    for path in sorted(whiteouts, key=lambda path: path.count(b"/")):
        lower.tree.apply_whiteout(whiteout_place(path, lower))


def whiteout_place(whiteout: bytes, lower: LowerTree) -> bytes:
    """Return the path of WHITEOUT with the parent's links followed."""
    directory, _, name = whiteout.rpartition(b"/")
    if name == OPAQUE:  # replaces a link
        above, _, own_name = directory.rpartition(b"/")
        return _join(_join(_destination(above, {b"": b""}, lower), own_name), name)
    return _join(_destination(directory, {b"": b""}, lower), name)


def tar_of(members: Iterable[Member], tar: LayerTar) -> Iterator[bytes]:
    """Yield the tar of MEMBERS, whose contents are read from TAR."""
    for entry, offset in members:
        yield header(entry if entry.path else entry._replace(path=b"."))
        yield from tar.content(offset, entry.size)
        yield padding(entry.size)
    yield END


def without_hard_links(members: list[Member]) -> list[Member]:
    """Return MEMBERS with each hard link replaced by a file, because its target may be moved or left out.

    ``with_hard_links`` reverses this.
    """
    if not any(member.entry.type == HARD_LINK for member in members):
        return members
    files = {member.entry.path: member for member in members if member.entry.type != HARD_LINK}
    return [_file(member, files) if member.entry.type == HARD_LINK else member for member in members]


def with_hard_links(members: Iterable[Member]) -> list[Member]:
    """Return MEMBERS with hard links again: the first member with some content stays, others become links to it."""
    first: dict[int, bytes] = {}  # paths by the position of the content, which is different for each file of a tar
    result = []
    for member in members:
        entry, offset = member
        target = entry.path
        if entry.type == FILE and not is_whiteout(entry.path):
            target = first.setdefault(offset, entry.path)
        if target != entry.path:
            member = Member(entry._replace(type=HARD_LINK, link=target, size=0), offset)
        result.append(member)
    return result


def _file(link: Member, files: dict[bytes, Member]) -> Member:
    """Return the file that the hard link LINK refers to, under the link's path, and add it to FILES."""
    entry = link.entry
    try:
        target = files.get(member_path(entry.link))
    except ValueError as error:
        raise LaminixError(CANNOT_MERGE, f"hard link {shown(entry.path)!r}: {error}") from None
    if target is None:
        why = f"hard link {shown(entry.path)!r}: target {shown(entry.link)!r} is missing"
        raise LaminixError(CANNOT_MERGE, why)
    files[entry.path] = Member(target.entry._replace(path=entry.path), target.offset)
    return files[entry.path]


def _move_members(members: Sequence[Member], tar: LayerTar, lower: LowerTree) -> tuple[dict[bytes, Member], bool]:
    """Return the members by their new paths, in their order, and whether any differs from before."""
    destinations: dict[bytes, bytes] = {b"": b""}  # of directories, by their paths in the layer
    moved: dict[bytes, Member] = {}
    origins: dict[bytes, bytes] = {}  # the old path of each moved member, by its new path
    changed = False
    for member in members:
        path = _new_path(member.entry, destinations, lower)
        adapted = _adapted(member, path, lower)
        changed = changed or adapted is not member
        if path in moved and (path in origins or path != member.entry.path):
            names = [origins.get(path, path), member.entry.path]
            adapted = _same_member(moved[path], adapted, tar, names)
        if path != member.entry.path:
            origins[path] = member.entry.path
        if path or not member.entry.path:  # a link to the root adds no entry for the root
            moved[path] = adapted
    if origins:
        _check_parents(moved, origins)
        _check_links(moved, destinations, lower.tree)
        moved = _with_opaque_directories(moved)
    return moved, changed


def _new_path(entry: Entry, destinations: dict[bytes, bytes], lower: LowerTree) -> bytes:
    """Return the path to which ENTRY moves. A directory moves to the target of a link at its path."""
    if entry.type == DIRECTORY and not is_whiteout(entry.path):
        return _destination(entry.path, destinations, lower)
    parent, _, name = entry.path.rpartition(b"/")
    return _join(_destination(parent, destinations, lower), name)


def _destination(directory: bytes, known: dict[bytes, bytes], lower: LowerTree) -> bytes:
    """Return the new path of DIRECTORY: the target of the parent's links, or its own path. Adds it to KNOWN."""
    path, left = directory, []
    while path not in known:
        left.append(path)
        path = path.rpartition(b"/")[0]
    for path in reversed(left):
        above, _, name = path.rpartition(b"/")
        place = _join(known[above], name)
        node = lower.parent_node(place)
        target = lower.tree.real_directory(place) if node is not None and node.entry.type == SYMLINK else None
        known[path] = place if target is None else target
    return known[directory]


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _adapted(member: Member, path: bytes, lower: LowerTree) -> Member:
    """Return MEMBER at its new PATH. A directory of the parent keeps its metadata unless MEMBER's are explicit."""
    entry = member.entry
    moves = path != entry.path
    if entry.type == DIRECTORY and not entry.explicit:
        node = lower.tree.find(path) if moves else lower.parent_node(path)
        if node is not None and node.entry.type == DIRECTORY and not same_metadata(entry, node.entry):
            return _directory(path, lower.tree)
    return Member(entry._replace(path=path), member.offset) if moves else member


def _same_member(one: Member, other: Member, tar: LayerTar, names: Sequence[bytes]) -> Member:
    """Return one of two members at the same path; of directories, one whose metadata are explicit.

    NAMES are their old paths. Raises LaminixError if they differ.
    """
    path = one.entry.path
    if one.entry.type == other.entry.type == DIRECTORY and one.entry.explicit != other.entry.explicit:
        return one if one.entry.explicit else other
    if is_whiteout(path):
        return one
    if not same_metadata(one.entry, other.entry) or _digest(one, tar) != _digest(other, tar):
        first, second = (shown(name) for name in sorted(names, key=lambda name: name != path))
        raise LaminixError(CANNOT_MERGE, f"{first!r} and {second!r} differ, but are the same path in the parent")
    return one


def _check_parents(moved: dict[bytes, Member], origins: dict[bytes, bytes]) -> None:
    """Raise LaminixError if the layer has anything but a directory above one of the members MOVED."""
    for path in moved:
        above = path
        while above := above.rpartition(b"/")[0]:
            if above in moved and moved[above].entry.type != DIRECTORY:
                names = [shown(origins.get(name, name)) for name in (path, above)]
                why = f"{names[0]!r} goes to {shown(path)!r} in the parent, but {names[1]!r} is not a directory"
                raise LaminixError(CANNOT_MERGE, why)


def _check_links(moved: dict[bytes, Member], destinations: dict[bytes, bytes], tree: MergedTree) -> None:
    """Raise LaminixError if one of the members MOVED replaces a link or directory by way of which others have moved."""
    for directory, target in destinations.items():
        above, _, name = directory.rpartition(b"/")
        link = _join(destinations[above], name)
        passed: list[bytes] = []
        if link != target:
            tree.real_directory(link, passed)
        for path in passed:
            if path in moved and moved[path].entry.type != DIRECTORY:
                why = f"{shown(directory)!r} goes where links of the parent lead, by way of {shown(path)!r}"
                raise LaminixError(CANNOT_MERGE, f"{why}, which the layer replaces")


def _with_opaque_directories(moved: dict[bytes, Member]) -> dict[bytes, Member]:
    """Return MOVED without whiteouts of paths that the layer has itself; those of directories become opaque markers.

    Engines that keep layers apart apply a layer's whiteout before its directory, which would then show the lower one.
    """
    directories = _ancestors(moved)
    result = {}
    for path, member in moved.items():
        directory, _, name = path.rpartition(b"/")
        if is_whiteout(path) and name != OPAQUE:
            hidden = _join(directory, hidden_name(name))
            if hidden in directories or hidden in moved and moved[hidden].entry.type == DIRECTORY:
                path = _join(hidden, OPAQUE)
                member = Member(member.entry._replace(path=path), member.offset)
            elif hidden in moved:
                continue
        result[path] = member
    return result


def _existing(moved: dict[bytes, Member], tar: LayerTar, lower: LowerTree) -> set[bytes]:
    return {path for path, member in moved.items() if _exists(path, member, tar, lower)}


def _exists(path: bytes, member: Member, tar: LayerTar, lower: LowerTree) -> bool:
    """Return whether the parent has the same type, content, mode and owner at PATH."""
    node = lower.parent_node(path)
    if node is None or is_whiteout(path) or not same_metadata(member.entry, node.entry):
        return False
    return member.entry.type != FILE or node.digest == _digest(member, tar)


def same_metadata(one: Entry, other: Entry) -> bool:
    """Return whether the entries are equal except for path, content, mtime and the names of user and group.

    The mode of a symbolic link is ignored, too.
    """
    return (
        one.type == other.type
        and one.size == other.size
        and one.owner[:2] == other.owner[:2]
        and one.xattrs == other.xattrs
        and one.device == other.device
        and (one.link == other.link if one.type == SYMLINK else one.mode == other.mode)
    )


def _digest(member: Member, tar: LayerTar) -> bytes:
    return content_digest(tar.content(member.offset, member.entry.size))


def _ancestors(paths: Iterable[bytes]) -> set[bytes]:
    """Return all directories above PATHS, except the root."""
    result: set[bytes] = set()
    for path in paths:
        while (path := path.rpartition(b"/")[0]) and path not in result:
            result.add(path)
    return result


def _directory(path: bytes, tree: MergedTree) -> Member:
    """Return an entry for a directory that the layer lacks, with the lower tree's metadata to keep them unchanged."""
    node = tree.find(path)
    entry = Entry(path, DIRECTORY, 0o755) if node is None else node.entry._replace(path=path, explicit=False)
    return Member(entry, 0)


def _add_entries(tree: MergedTree, entries: Iterable[Entry]) -> None:
    """Add ENTRIES to TREE as its next layer; their whiteouts have been applied before."""
    for entry in entries:
        if not is_whiteout(entry.path):
            tree.add_entry(entry)
    tree.layers += 1
