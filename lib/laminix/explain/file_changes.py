"""Which files differ between what containers of two images see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from laminix.explain.contents import members_of
from laminix.explain.hidden import visible
from laminix.images.image import Image
from laminix.merge.merged_tree import content_digest
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.tar.entries import FILE, SYMLINK, Entry

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True)
class FileChange:
    """A file, link or directory that differs."""

    path: bytes  # in the new image, if it is there
    kind: str  # added, removed or changed
    what: tuple[str, ...] = ()  # what changed: type, content, target, mode, owner, xattrs
    old_size: int | None = None  # bytes
    new_size: int | None = None  # bytes


View = dict[bytes, tuple[int, Entry]]  # by path: the layer's number and the entry


def file_changes(old: Image, new: Image, counterparts: Mapping[str, str]) -> list[FileChange]:
    """The files that differ between OLD and NEW, by path.

    COUNTERPARTS are the new store paths of old ones: files in them are compared with each other. Layers are
    read whole, without their digests being checked. Raises LaminixError for a damaged layer.
    """
    renamed = {path.lstrip("/").encode(): other.lstrip("/").encode() for path, other in counterparts.items()}
    entries = {layer.diff_id: [] for image in (old, new) for layer in image.layers}
    for layer in {layer.diff_id: layer for image in (old, new) for layer in image.layers}.values():
        entries[layer.diff_id] = [entry for entry, _ in members_of(layer, None)]
    depths = {path.count(b"/") for path in renamed}
    before = {_renamed(path, renamed, depths): place for path, place in _view(old, entries).items()}
    after = _view(new, entries)
    both = [path for path in after if path in before and not _same_origin(before[path], after[path], old, new)]
    unsure = [path for path in both if before[path][1].type == FILE == after[path][1].type]
    unsure = [path for path in unsure if before[path][1].size == after[path][1].size]
    digests = [_digests(image, view, unsure) for image, view in ((old, before), (new, after))]
    changes = [_changed(path, before[path][1], after[path][1], *digests) for path in both]
    changes += [FileChange(path, REMOVED, (), _size(before[path][1])) for path in before if path not in after]
    changes += [FileChange(path, ADDED, (), None, _size(after[path][1])) for path in after if path not in before]
    return sorted((change for change in changes if change is not None), key=lambda change: change.path)


def _view(image: Image, entries: Mapping[str, list[Entry]]) -> View:
    nodes = visible([entries[layer.diff_id] for layer in image.layers])
    return {path: (node.layer, node.entry) for path, node in nodes}


def _renamed(path: bytes, renamed: Mapping[bytes, bytes], depths: Collection[int]) -> bytes:
    """PATH in the new image, where its store path has another name; DEPTHS are the numbers of slashes in those."""
    for depth in depths:
        parts = path.split(b"/", depth + 1)
        other = renamed.get(b"/".join(parts[: depth + 1]))
        if other is not None:
            return b"/".join([other, *parts[depth + 1 :]])
    return path


def _same_origin(one: tuple[int, Entry], other: tuple[int, Entry], old: Image, new: Image) -> bool:
    """Whether both come from the same entry of the same layer."""
    layers = old.layers[one[0]], new.layers[other[0]]
    return layers[0].diff_id == layers[1].diff_id and one[1].path == other[1].path


def _digests(image: Image, view: View, paths: Sequence[bytes]) -> dict[bytes, bytes]:
    """The digests of the contents at PATHS of VIEW, by path."""
    wanted: dict[int, dict[bytes, list[bytes]]] = {}
    for path in paths:
        layer, entry = view[path]
        wanted.setdefault(layer, {}).setdefault(entry.path, []).append(path)
    found: dict[bytes, bytes] = {}
    for number, names in wanted.items():
        for entry, content in members_of(image.layers[number], None):
            if entry.path in names and entry.type == FILE:
                digest = content_digest(iter(lambda: content.read(CHUNK_SIZE), b""))
                found |= dict.fromkeys(names[entry.path], digest)
    return found


def _changed(path: bytes, old: Entry, new: Entry, before: Mapping, after: Mapping) -> FileChange | None:
    what = []
    if old.type != new.type:
        what.append("type")
    elif old.type == FILE and (old.size != new.size or before.get(path) != after.get(path)):
        what.append("content")
    elif old.type == SYMLINK and old.link != new.link:
        what.append("target")
    if old.mode != new.mode and SYMLINK not in (old.type, new.type):
        what.append("mode")
    if old.owner[:2] != new.owner[:2]:
        what.append("owner")
    if old.xattrs != new.xattrs:
        what.append("xattrs")
    return FileChange(path, CHANGED, tuple(what), _size(old), _size(new)) if what else None


def _size(entry: Entry) -> int | None:
    return entry.size if entry.type == FILE else None
