"""The adaptation of a layer to a parent image: its members move where the parent's links lead, or are left out.

If the layer has a directory where the parent has a symbolic link to a directory, its contents move to the link's
target. Otherwise the directory would replace the link and hide what the parent has there. Members that the parent
already has can be left out. A layer that needs no change is kept as it is, so that images can share it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, SYMLINK, Entry, is_whiteout, layer_order
from laminix.errors import LaminixError, shown
from laminix.images.layer_tar import LayerTar, Member
from laminix.merge.merged_tree import IDENTIFIED_BY_NAME, MergedTree, Node, content_digest, in_store
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
        return node if node is not None and node.layer < self.parent_layers else None


def adapt_members(tar: LayerTar, lower: LowerTree, skip_existing: bool) -> list[Member] | None:
    """Return the members of the layer TAR adapted to the tree below, in layer order; None if nothing changes.

    With SKIP_EXISTING, leaves out members that the parent has. Directories above remaining members are kept,
    because engines would create missing ones with default modes. Afterwards LOWER includes the layer.
    Raises LaminixError if two different members move to the same path.
    """
    members = without_hard_links(tar.members())
    for member in members:
        if is_whiteout(member.entry.path):
            lower.tree.apply_whiteout(member.entry.path)
    moved, links_followed = _move_members(members, tar, lower)
    existing = _existing(moved, tar, lower) if skip_existing else set()
    remaining = [path for path in moved if path not in existing]
    needed = _ancestors(remaining)
    result = [member for path, member in moved.items() if path not in existing or path in needed]
    dropped = len(result) < len(moved)
    if links_followed or dropped:
        result += [_directory(path, lower.tree) for path in needed - moved.keys()]
        result.sort(key=lambda member: layer_order(member.entry.path))
    _add_entries(lower.tree, (moved[path].entry for path in remaining))
    return result if links_followed or dropped else None


def tar_of(members: Iterable[Member], tar: LayerTar) -> Iterator[bytes]:
    """Yield the tar of MEMBERS, whose contents are read from TAR."""
    for entry, offset in members:
        yield header(entry if entry.path else entry._replace(path=b"."))
        yield from tar.content(offset, entry.size)
        yield padding(entry.size)
    yield END


def without_hard_links(members: list[Member]) -> list[Member]:
    """Return MEMBERS with each hard link replaced by a file, because its target may be moved or left out."""
    if not any(member.entry.type == HARD_LINK for member in members):
        return members
    files = {member.entry.path: member for member in members if member.entry.type != HARD_LINK}
    return [_file(member, files) if member.entry.type == HARD_LINK else member for member in members]


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
    """Return the members by their new paths, in their order, and whether any link was followed."""
    destinations: dict[bytes, bytes] = {b"": b""}  # of directories, by their paths in the layer
    moved: dict[bytes, Member] = {}
    origins: dict[bytes, bytes] = {}  # the old path of each moved member, by its new path
    for member in members:
        entry = member.entry
        parent, _, name = entry.path.rpartition(b"/")
        path = _join(_destination(parent, destinations, lower), name)
        if entry.type == DIRECTORY and _destination(entry.path, destinations, lower) != path:
            origins[_destination(entry.path, destinations, lower)] = entry.path
            continue  # the link is kept; its target has an entry, or gets one if it is needed
        if path != entry.path:
            origins[path] = entry.path
            member = Member(entry._replace(path=path), member.offset)
        if path in moved and path in origins:
            member = _same_member(moved[path], member, tar, origins[path])
        moved[path] = member
    return moved, bool(origins)


def _destination(directory: bytes, known: dict[bytes, bytes], lower: LowerTree) -> bytes:
    """Return the new path of DIRECTORY: the target of the parent's links, or its own path. Adds it to KNOWN."""
    if directory not in known:
        above, _, name = directory.rpartition(b"/")
        path = _join(_destination(above, known, lower), name)
        node = lower.parent_node(path)
        is_link = node is not None and node.entry.type == SYMLINK
        known[directory] = (lower.tree.real_directory(path) if is_link else None) or path
    return known[directory]


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _same_member(one: Member, other: Member, tar: LayerTar, origin: bytes) -> Member:
    """Return one of two members at the same path. Raises LaminixError unless they are equal or both directories."""
    if one.entry.type == other.entry.type == DIRECTORY:
        return one
    if not same_metadata(one.entry, other.entry) or _digest(one, tar) != _digest(other, tar):
        path = one.entry.path
        why = f"{shown(path)!r} and {shown(origin)!r} differ, but are the same path in the parent"
        raise LaminixError(CANNOT_MERGE, why)
    return one


def _existing(moved: dict[bytes, Member], tar: LayerTar, lower: LowerTree) -> set[bytes]:
    return {path for path, member in moved.items() if _exists(path, member, tar, lower)}


def _exists(path: bytes, member: Member, tar: LayerTar, lower: LowerTree) -> bool:
    """Return whether the parent has the same type, content, mode and owner at PATH."""
    node = lower.parent_node(path)
    if node is None or is_whiteout(path) or not same_metadata(member.entry, node.entry):
        return False
    if member.entry.type != FILE or node.digest == IDENTIFIED_BY_NAME and in_store(path):
        return True
    return node.digest == _digest(member, tar)


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
    entry = Entry(path, DIRECTORY, 0o755) if node is None else node.entry._replace(path=path)
    return Member(entry, 0)


def _add_entries(tree: MergedTree, entries: Iterable[Entry]) -> None:
    """Add ENTRIES to TREE as its next layer; their whiteouts have been applied before."""
    for entry in entries:
        if not is_whiteout(entry.path):
            tree.add_entry(entry)
    tree.layers += 1
