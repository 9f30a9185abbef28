"""What a container sees of a parent: its layers, one over the other (image-spec layer.md).

Whiteouts and opaque directories hide what the layers below them have, wherever in their own layer they
stand.  Of files only those are kept whose size is asked for, so that a tree costs little memory; all
directories and links are.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator

from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry
from laminix.errors import LaminixError, shown
from laminix.tar.reader import Content, member_path
from laminix.parallel.chunks import CHUNK_SIZE

MOST_HOPS = 40  # links on the way to one path, as the kernel counts them

STORE = b"nix/store/"
STORE_NAME_DASH = len(STORE) + 32  # behind the hash part of a store path's name
# The name of a store path fixes what is in it.  So a file there needs no digest: the same path, of the same
# size, is the same file, and reading and hashing it once more is saved.  (Only as long as no further layer
# wrote it again: then nothing vouches for it.)
BY_ITS_NAME = b"by its store path"


class Node:
    """What stands at a path."""

    __slots__ = ("entry", "layer", "digest", "children")

    def __init__(self, entry: Entry, layer: int, digest: bytes | None = None):
        self.entry = entry  # of a hard link, the file's
        self.layer = layer  # the number of the layer that it is from
        self.digest = digest  # of a file's content; None where it is not known
        self.children: dict[bytes, Node] | None = {} if entry.type == DIRECTORY else None


class MergedTree:
    """The layers added so far, as one tree; files only of the SIZES that are asked for.

    With KEEP all files are in it: KEEP stores a file's content as its layer is added, and what it returns
    stands in the place of the content's digest.
    """

    def __init__(
        self, sizes: Container[int] = (), keep: Callable[[Entry, Content | None], bytes | None] | None = None
    ):
        self._sizes = sizes
        self._keep = keep
        self._root = Node(Entry(b"", DIRECTORY, 0o755), -1)
        self.layers = 0  # how many have been added

    def add_layer(self, members: Iterable[tuple[Entry, Content]]) -> None:
        """Lay one more layer, as ``tar_reader.read`` gives it, over the others.

        Raises LaminixError for a link that climbs out of the layer.
        """
        place, directory = b"", self._root
        for entry, content in members:
            parent, _, name = entry.path.rpartition(b"/")
            # Members of one directory mostly stand together, so going there is done once.
            if parent != place:
                place, directory = parent, self._make_directory(parent)
            if entry.type == DIRECTORY:
                self._put_directory(directory, name, entry)
                place, directory = b"", self._root
            elif name.startswith(WHITEOUT_PREFIX):
                _hide(directory, name, self.layers)
            else:
                self._put(directory, name, entry, content)
        self.layers += 1

    def hide(self, path: bytes) -> None:
        """Do what the whiteout or opaque marker at PATH, in the next layer, says to all layers so far."""
        parent, _, name = path.rpartition(b"/")
        if name == OPAQUE and self._is_no_directory(parent):
            # An opaque directory is a new one, whatever stood there, a link to a directory too.
            above, _, own_name = parent.rpartition(b"/")
            return self.hide(above + b"/" + WHITEOUT_PREFIX + own_name)
        directory = self._walk(parent)
        if directory is not None:
            _hide(directory, name, self.layers)

    def _is_no_directory(self, path: bytes) -> bool:
        above, _, name = path.rpartition(b"/")
        directory = self._walk(above)
        node = directory.children.get(name) if directory is not None else None
        return node is not None and node.children is None

    def cover(self, entry: Entry) -> None:
        """Lay ENTRY of the next layer, no whiteout, over the others; only directories are kept of it."""
        parent, _, name = entry.path.rpartition(b"/")
        directory = self._make_directory(parent)
        if entry.type == DIRECTORY:
            self._put_directory(directory, name, entry)
        else:
            directory.children.pop(name, None)

    def find(self, path: bytes) -> Node | None:
        """What stands at PATH itself, no link followed on the way."""
        node = self._root
        for name in path.split(b"/") if path else ():
            node = node.children.get(name) if node.children is not None else None
            if node is None:
                return None
        return node

    def real_directory(self, path: bytes) -> bytes | None:
        """The path without links of the directory that PATH leads to; None where it leads to none."""
        rest, hops = path.split(b"/")[::-1], 0
        real: list[bytes] = []
        node, trail = self._root, []
        while rest:
            name = rest.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = trail.pop() if trail else self._root
                del real[-1:]
                continue
            child = node.children.get(name)
            if child is not None and child.entry.type == SYMLINK and hops < MOST_HOPS:
                hops += 1
                rest += child.entry.link.split(b"/")[::-1]
                if child.entry.link.startswith(b"/"):
                    node, trail, real = self._root, [], []
            elif child is None or child.children is None:
                return None
            else:
                trail.append(node)
                real.append(name)
                node = child
        return b"/".join(real)

    def nodes(self) -> Iterator[tuple[bytes, Node]]:
        """Every path with its node but the root's; a directory before its contents, the names in it bytewise."""
        left = [(b"", self._root)]
        while left:
            path, node = left.pop()
            if path:
                yield path, node
            prefix = path + b"/" if path else b""
            children = sorted(node.children or (), reverse=True)
            left += [(prefix + name, node.children[name]) for name in children]

    def _walk(self, path: bytes) -> Node | None:
        """The directory that PATH leads to, links followed."""
        node = self.find(path)
        if node is None or node.children is None:
            real = self.real_directory(path)
            node = None if real is None else self.find(real)
        return node

    def _make_directory(self, path: bytes) -> Node:
        """The directory that PATH leads to, made (and its parents) where there is none."""
        node = self._walk(path)
        if node is None:
            parent, _, name = path.rpartition(b"/")
            node = Node(Entry(path, DIRECTORY, 0o755), self.layers)
            self._make_directory(parent).children[name] = node
        return node

    def _put_directory(self, parent: Node, name: bytes, entry: Entry) -> None:
        """A directory over a directory keeps what is in it; over anything else it is new."""
        node = parent.children.get(name) if name else self._root
        if node is not None and node.children is not None:
            node.entry, node.layer = entry, self.layers
        else:
            parent.children[name] = Node(entry, self.layers)

    def _put(self, directory: Node, name: bytes, entry: Entry, content: Content) -> None:
        node = None
        if entry.type == HARD_LINK:
            node = self._linked(entry)
        elif entry.type != FILE:
            node = Node(entry, self.layers)
        elif self._keep is not None:
            node = Node(entry, self.layers, self._keep(entry, content))
        elif entry.size in self._sizes:
            node = Node(entry, self.layers, self._digest(entry.path, name in directory.children, content))
        if node is not None:
            directory.children[name] = node
        else:
            directory.children.pop(name, None)

    def _digest(self, path: bytes, written_again: bool, content: Content) -> bytes:
        if in_store(path) and not written_again:
            return BY_ITS_NAME
        return content_digest(iter(lambda: content.read(CHUNK_SIZE), b""))

    def _linked(self, entry: Entry) -> Node | None:
        """The file that a hard link is another name of, if it is known."""
        try:
            target = self.find(member_path(entry.link))
        except ValueError as error:
            raise LaminixError("bad layer", f"the hard link {shown(entry.path)!r}: {error}") from None
        if target is None or target.children is not None:
            return None
        # Another name's promise says nothing of this one, unless this one's own says the same.
        vouched = target.digest != BY_ITS_NAME or in_store(entry.path)
        return Node(target.entry, self.layers, target.digest if vouched else None)


def in_store(path: bytes) -> bool:
    """Whether PATH is a store path, or in one."""
    return path.startswith(STORE) and path[STORE_NAME_DASH : STORE_NAME_DASH + 1] == b"-"


def content_digest(chunks: Iterable[bytes]) -> bytes:
    """What tells contents apart."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return state.digest()


def _hide(directory: Node, name: bytes, layer: int) -> None:
    """Do what the whiteout NAME in DIRECTORY says to the layers below LAYER."""
    if name == OPAQUE:
        _prune(directory, layer)
    else:
        hidden = name.removeprefix(WHITEOUT_PREFIX)
        node = directory.children.get(hidden)
        if node is not None and not _survives(node, layer):
            del directory.children[hidden]


def _prune(directory: Node, layer: int) -> None:
    """Take out all in DIRECTORY that is from below LAYER."""
    for name, node in list(directory.children.items()):
        if not _survives(node, layer):
            del directory.children[name]


def _survives(node: Node, layer: int) -> bool:
    """Whether NODE, or after pruning anything in it, is from LAYER itself."""
    if node.children is None:
        return node.layer >= layer
    _prune(node, layer)
    return bool(node.children) or node.layer >= layer
