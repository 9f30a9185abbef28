"""A new layer, fitted to the parent that it is put on: which of its members stay, and where.

A directory of the layer that meets a symbolic link to a directory in the parent goes there, since in
its place it would hide all that the parent has behind the link.  What the parent has already may be left
out.  Where nothing of this happens the layer stays as it is, shared with every other image that has it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, SYMLINK, Entry, is_whiteout, layer_order
from laminix.errors import LaminixError, shown
from laminix.images.layer_tar import LayerTar, Member
from laminix.merge.merged_tree import BY_ITS_NAME, MergedTree, Node, content_digest, in_store
from laminix.tar.reader import member_path
from laminix.tar.writer import END, header, padding

CANNOT_MERGE = "cannot put the layer on its parent"

class Parent(NamedTuple):
    """What a layer is put on: the parent's merged tree, with the new layers below this one laid over it."""

    tree: MergedTree
    layers: int  # how many of the tree's layers are the parent's own

    def at(self, path: bytes) -> Node | None:
        """What the parent itself has at PATH, if no new layer has changed that."""
        node = self.tree.find(path)
        return node if node is not None and node.layer < self.layers else None


def fit(tar: LayerTar, parent: Parent, skip_existing: bool) -> list[Member] | None:
    """The members of the layer TAR as they go on PARENT, in order; None: the layer fits as it is.

    With SKIP_EXISTING without what the parent has, but for directories on the way to what remains (engines
    would make those with modes of their own).  The layer is laid over the parent's tree afterwards.
    Raises LaminixError where following links makes two different members meet in one place.
    """
    written = without_hard_links(tar.members())
    for member in written:
        if is_whiteout(member.entry.path):
            parent.tree.hide(member.entry.path)
    placed, followed = _placed(written, tar, parent)
    existing = _existing(placed, tar, parent) if skip_existing else set()
    remaining = [path for path in placed if path not in existing]
    needed = _ancestors(remaining)
    result = [member for path, member in placed.items() if path not in existing or path in needed]
    dropped = len(result) < len(placed)
    if followed or dropped:
        result += [_directory(path, parent.tree) for path in needed - placed.keys()]
        result.sort(key=lambda member: layer_order(member.entry.path))
    _lay_over(parent.tree, (placed[path].entry for path in remaining))
    return result if followed or dropped else None


def tar_of(members: Iterable[Member], tar: LayerTar) -> Iterator[bytes]:
    """The tar of MEMBERS, in chunks; their contents are read from TAR."""
    for entry, offset in members:
        yield header(entry if entry.path else entry._replace(path=b"."))
        yield from tar.content(offset, entry.size)
        yield padding(entry.size)
    yield END


def without_hard_links(members: list[Member]) -> list[Member]:
    """MEMBERS, with a file in place of each hard link: what it links to may be left out, or go elsewhere."""
    if not any(member.entry.type == HARD_LINK for member in members):
        return members
    files = {member.entry.path: member for member in members if member.entry.type != HARD_LINK}
    return [_file(member, files) if member.entry.type == HARD_LINK else member for member in members]


def _file(link: Member, files: dict[bytes, Member]) -> Member:
    """The hard link LINK as the file that it is; from then on it is found in FILES itself."""
    entry = link.entry
    try:
        target = files.get(member_path(entry.link))
    except ValueError as error:
        raise LaminixError(CANNOT_MERGE, f"the hard link {shown(entry.path)!r}: {error}") from None
    if target is None:
        why = f"{shown(entry.path)!r} is a hard link to {shown(entry.link)!r}, which is missing"
        raise LaminixError(CANNOT_MERGE, why)
    files[entry.path] = Member(target.entry._replace(path=entry.path), target.offset)
    return files[entry.path]


def _placed(written: Sequence[Member], tar: LayerTar, parent: Parent) -> tuple[dict[bytes, Member], bool]:
    """The members by the paths that they get, in their order, and whether a link was followed for any."""
    real: dict[bytes, bytes] = {b"": b""}  # the directories met so far, by the paths they get
    placed: dict[bytes, Member] = {}
    origins: dict[bytes, bytes] = {}  # the paths that moved members had
    for member in written:
        entry = member.entry
        place, _, name = entry.path.rpartition(b"/")
        path = _joined(_real(place, real, parent), name)
        if entry.type == DIRECTORY and _real(entry.path, real, parent) != path:
            origins[_real(entry.path, real, parent)] = entry.path
            continue  # the link stays, and what it leads to has an entry of its own, or gets one
        if path != entry.path:
            origins[path] = entry.path
            member = Member(entry._replace(path=path), member.offset)
        if path in placed and path in origins:
            member = _agreed(placed[path], member, tar, origins[path])
        placed[path] = member
    return placed, bool(origins)


def _real(directory: bytes, known: dict[bytes, bytes], parent: Parent) -> bytes:
    """Where DIRECTORY of the layer goes: itself, or where the parent's links lead."""
    if directory not in known:
        place, _, name = directory.rpartition(b"/")
        path = _joined(_real(place, known, parent), name)
        node = parent.at(path)
        is_link = node is not None and node.entry.type == SYMLINK
        known[directory] = (parent.tree.real_directory(path) if is_link else None) or path
    return known[directory]


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _agreed(one: Member, other: Member, tar: LayerTar, origin: bytes) -> Member:
    """One of two members that meet in one place; they have to be the same, or both directories."""
    if one.entry.type == other.entry.type == DIRECTORY:
        return one
    if not same_kind(one.entry, other.entry) or _digest(one, tar) != _digest(other, tar):
        path = one.entry.path
        why = f"{shown(path)!r} and {shown(origin)!r} are the same place in the parent, and they differ"
        raise LaminixError(CANNOT_MERGE, why)
    return one


def _existing(placed: dict[bytes, Member], tar: LayerTar, parent: Parent) -> set[bytes]:
    return {path for path, member in placed.items() if _exists(path, member, tar, parent)}


def _exists(path: bytes, member: Member, tar: LayerTar, parent: Parent) -> bool:
    """Whether the parent has the same at PATH, in type, content, mode and owner."""
    node = parent.at(path)
    if node is None or is_whiteout(path) or not same_kind(member.entry, node.entry):
        return False
    if member.entry.type != FILE or node.digest == BY_ITS_NAME and in_store(path):
        return True
    return node.digest == _digest(member, tar)


def same_kind(one: Entry, other: Entry) -> bool:
    """Whether the entries agree in all but content, time, and the names of the owner's numbers."""
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
    """All directories above PATHS, but for the root."""
    result: set[bytes] = set()
    for path in paths:
        while (path := path.rpartition(b"/")[0]) and path not in result:
            result.add(path)
    return result


def _directory(path: bytes, tree: MergedTree) -> Member:
    """The entry of a directory that the layer itself lacks: as the parent has it, so that it stays so."""
    node = tree.find(path)
    entry = Entry(path, DIRECTORY, 0o755) if node is None else node.entry._replace(path=path)
    return Member(entry, 0)


def _lay_over(tree: MergedTree, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if not is_whiteout(entry.path):
            tree.cover(entry)
    tree.layers += 1
