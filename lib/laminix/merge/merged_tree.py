"""The file tree that a container sees: layers applied one after another (image-spec layer.md).

Whiteouts and opaque directories hide entries of lower layers only, independent of their order in the tar. To save
memory, the tree contains only files of given sizes or names; it contains all directories and links.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator

from laminix.errors import LaminixError, shown
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry, hidden_name
from laminix.tar.reader import Content, member_path

MAX_LINK_HOPS = 40  # links followed for one path, the kernel's limit
MAX_IMPLIED = 256 << 20  # bytes of the paths of directories that no entry has: one entry can imply thousands


class Node:
    """A file, directory or link in the tree."""

    __slots__ = ("entry", "layer", "digest", "children")

    def __init__(self, entry: Entry, layer: int, digest: bytes | None = None):
        self.entry = entry  # for a hard link, the entry of its target
        self.layer = layer  # number of the layer that contains it
        self.digest = digest  # of a file's content; None if unknown
        self.children: dict[bytes, Node] | None = {} if entry.type == DIRECTORY else None


class MergedTree:
    """The layers added so far as one tree, with files of the given SIZES (bytes) and NAMES (base names) only.

    Files of other sizes have no digest. With KEEP, the tree contains all files. KEEP is called with each file while
    its layer is added, to store the content; its result is used instead of the content's digest.
    """

    def __init__(
        self,
        sizes: Container[int] = (),
        keep: Callable[[Entry, Content | None], bytes | None] | None = None,
        names: Container[bytes] = (),
    ):
        self._sizes = sizes
        self._keep = keep
        self._names = names
        self._root = Node(Entry(b"", DIRECTORY, 0o755), -1)
        self._implied_left = MAX_IMPLIED
        self.layers = 0  # number of layers added

    def add_layer(self, members: Iterable[tuple[Entry, Content]]) -> None:
        """Add a layer on top, given by the members that ``tar.reader.read`` yields.

        Raises LaminixError for a hard link that points outside the layer.
        """
        current, directory = b"", self._root
        for entry, content in members:
            parent, _, name = entry.path.rpartition(b"/")
            # Members of a directory usually follow each other, so look their directory up only once.
            if parent != current:
                current, directory = parent, self._make_directory(parent)
            # A directory with a whiteout's name is a whiteout, too: engines look at the name only.
            if name.startswith(WHITEOUT_PREFIX):
                _hide(directory, name, self.layers)
            elif entry.type == DIRECTORY:
                self._put_directory(directory, name, entry)
                current, directory = b"", self._root
            else:
                self._put(directory, name, entry, content)
        self.layers += 1

    def apply_whiteout(self, path: bytes) -> None:
        """Delete the entries that a whiteout or opaque marker at PATH in the next layer hides. Follows no links."""
        parent, _, name = path.rpartition(b"/")
        directory = self.find(parent)
        if directory is not None and directory.children is not None:
            _hide(directory, name, self.layers)
        elif directory is not None and name == OPAQUE:  # an opaque directory replaces a file or link
            above, _, own_name = parent.rpartition(b"/")
            del self.find(above).children[own_name]

    def add_entry(self, entry: Entry) -> None:
        """Add ENTRY of the next layer, which is not a whiteout. A file has no digest.

        A directory or link that is there already stays part of its layer.
        """
        parent, _, name = entry.path.rpartition(b"/")
        directory = self._make_directory(parent)
        node = directory.children.get(name) if name else self._root
        if entry.type not in (DIRECTORY, SYMLINK):
            self._put_node(directory, name, Node(entry, self.layers) if name in self._names else None)
        elif node is not None and (node.entry.type, node.entry.link) == (entry.type, entry.link):
            node.entry = entry
        else:
            directory.children[name] = Node(entry, self.layers)

    def find(self, path: bytes) -> Node | None:
        """Return the node at PATH, without following links; None if it is missing."""
        node = self._root
        for name in path.split(b"/") if path else ():
            node = node.children.get(name) if node.children is not None else None
            if node is None:
                return None
        return node

    def real_directory(self, path: bytes, passed: list[bytes] | None = None) -> bytes | None:
        """Return the path of the directory at PATH with all links followed; None if there is no directory.

        Adds the paths of all links and directories on the way to PASSED.
        """
        rest, hops = path.split(b"/")[::-1], 0
        real: list[bytes] = []
        node, ancestors = self._root, []
        while rest:
            name = rest.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                node = ancestors.pop() if ancestors else self._root
                del real[-1:]
                continue
            child = node.children.get(name)
            if passed is not None:
                passed.append(b"/".join([*real, name]))
            if child is not None and child.entry.type == SYMLINK and hops < MAX_LINK_HOPS:
                hops += 1
                rest += child.entry.link.split(b"/")[::-1]
                if child.entry.link.startswith(b"/"):
                    node, ancestors, real = self._root, [], []
            elif child is None or child.children is None:
                return None
            else:
                ancestors.append(node)
                real.append(name)
                node = child
        return b"/".join(real)

    def nodes(self) -> Iterator[tuple[bytes, Node]]:
        """Yield the node of every path except the root; directories before their contents, names in bytewise order."""
        left = [(b"", self._root)]
        while left:
            path, node = left.pop()
            if path:
                yield path, node
            prefix = path + b"/" if path else b""
            children = sorted(node.children or (), reverse=True)
            left += [(prefix + name, node.children[name]) for name in children]

    def _walk(self, path: bytes) -> Node | None:
        """Return the directory at PATH, following links; None if there is none."""
        node = self.find(path)
        if node is None or node.children is None:
            real = self.real_directory(path)
            node = None if real is None else self.find(real)
        return node

    def _make_directory(self, path: bytes) -> Node:
        """Return the directory at PATH, following links. Creates it and its parents if it is missing."""
        names, node = path.split(b"/") if path else [], self._root
        for number, name in enumerate(names, 1):
            child = node.children.get(name)
            if child is not None and child.entry.type == SYMLINK:
                child = self._walk(b"/".join(names[:number]))
            if child is None or child.children is None:
                child = node.children[name] = self._implied_directory(b"/".join(names[:number]))
            node = child
        return node

    def _implied_directory(self, path: bytes) -> Node:
        """Return a new directory for PATH, which has no entry. Raises LaminixError if their paths get too long."""
        self._implied_left -= len(path)
        if self._implied_left < 0:
            why = f"paths of directories without an entry are too long in total (limit {MAX_IMPLIED} bytes)"
            raise LaminixError("bad layer", why)
        return Node(Entry(path, DIRECTORY, 0o755), self.layers)

    def _put_directory(self, parent: Node, name: bytes, entry: Entry) -> None:
        """Put a directory into PARENT. It keeps the children of a directory there and replaces anything else."""
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
            node = Node(entry, self.layers, content_digest(iter(lambda: content.read(CHUNK_SIZE), b"")))
        if node is None and name in self._names:
            node = Node(entry, self.layers)
        self._put_node(directory, name, node)

    def _put_node(self, directory: Node, name: bytes, node: Node | None) -> None:
        """Replace what DIRECTORY has at NAME with NODE, or with nothing."""
        if node is not None:
            directory.children[name] = node
        else:
            directory.children.pop(name, None)

    def _linked(self, entry: Entry) -> Node | None:
        """Return a node for the target of a hard link; None if the tree does not contain the target."""
        try:
            target = self.find(member_path(entry.link))
        except ValueError as error:
            raise LaminixError("bad layer", f"hard link {shown(entry.path)!r}: {error}") from None
        if target is None or target.children is not None:
            return None
        return Node(target.entry, self.layers, target.digest)


def content_digest(chunks: Iterable[bytes]) -> bytes:
    """Return the SHA-256 digest of CHUNKS."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return state.digest()


def _hide(directory: Node, name: bytes, layer: int) -> None:
    """Remove the nodes from below LAYER that the whiteout NAME in DIRECTORY hides."""
    if name == OPAQUE:
        _prune(directory, layer)
    else:
        hidden = _hidden_name(name)
        node = directory.children.get(hidden)
        if node is not None and not _survives(node, layer):
            del directory.children[hidden]


def _hidden_name(whiteout: bytes) -> bytes:
    try:
        return hidden_name(whiteout)
    except ValueError as error:
        raise LaminixError("bad layer", f"{shown(whiteout)!r} {error}") from None


def _prune(directory: Node, layer: int) -> None:
    """Remove all nodes in DIRECTORY that are from below LAYER, but for directories with nodes from LAYER."""
    found = [(directory, b"", directory)]  # each node with its name and the directory it is in, top down
    for _, _, node in found:
        found += [(node, name, child) for name, child in (node.children or {}).items()]
    for parent, name, node in reversed(found[1:]):
        if not node.children and node.layer < layer:
            del parent.children[name]


def _survives(node: Node, layer: int) -> bool:
    """Prune NODE and return whether it, or anything left in it, is from LAYER."""
    if node.children is not None:
        _prune(node, layer)
    return bool(node.children) or node.layer >= layer
