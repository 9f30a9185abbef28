"""Several directories joined into one tree, like rsync (copies) and lndir (links) do.

A tree maps names to nodes: a directory is another tree, anything else a File or a Link.
"""

import os
import posixpath
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Union

from laminix.errors import LaminixError
from laminix.regular_file import kind_of


class File(NamedTuple):
    """A file to copy."""

    source: bytes  # path on disk


class Link(NamedTuple):
    """A symbolic link to create."""

    target: bytes


Tree = dict[bytes, Union["Tree", File, Link]]


def read_copies(directory: str, follow: bool) -> Tree:
    """Return the tree of DIRECTORY with its files as copies; with FOLLOW, links to directories become directories.

    Raises LaminixError for FIFOs, sockets and devices, and if a link leads to a directory that contains it.
    """
    return _read(_absolute(directory), follow, File)


def read_links(directory: str) -> Tree:
    """Return the tree of DIRECTORY with links to its files. Its own links stay as they are.

    Raises LaminixError for FIFOs, sockets and devices.
    """
    return _read(_absolute(directory), False, Link)


def _absolute(directory: str) -> bytes:
    if not os.path.isdir(directory):
        raise LaminixError("cannot join", "no such directory", directory)
    return os.fsencode(os.path.abspath(directory))


class _Reading(NamedTuple):
    """A directory that is being read."""

    tree: Tree
    path: bytes  # real
    left: Iterator[os.DirEntry]


def _read(directory: bytes, follow: bool, leaf: type) -> Tree:
    top = _begin(directory, os.path.realpath(directory))
    stack, above = [top], {top.path}  # the directories from the top to the current one
    while stack:
        item = next(stack[-1].left, None)
        if item is None:
            above.discard(stack.pop().path)
            continue
        node = _node(item, stack[-1].path, follow, leaf)
        if isinstance(node, _Reading):
            if node.path in above:
                raise LaminixError("cannot join", "symbolic link leads to a directory that contains it", item.path)
            stack[-1].tree[item.name] = node.tree
            stack.append(node)
            above.add(node.path)
        else:
            stack[-1].tree[item.name] = node
    return top.tree


def _begin(directory: bytes, real: bytes) -> _Reading:
    with os.scandir(directory) as scan:
        return _Reading({}, real, iter(list(scan)))


def _node(item: os.DirEntry, parent: bytes, follow: bool, leaf: type) -> _Reading | File | Link:
    """Return the node for ITEM in the directory with the real path PARENT; for a directory, its reading."""
    if item.is_symlink() and not (follow and item.is_dir()):
        return Link(os.readlink(item.path))
    if item.is_dir():
        # Only for a link, because the time of realpath() grows with the square of the depth.
        real = os.path.realpath(item.path) if item.is_symlink() else os.path.join(parent, item.name)
        return _begin(item.path, real)
    if not item.is_file():
        found = kind_of(item.stat().st_mode)
        why = f"found {found}, expected a file, a directory or a symbolic link"
        raise LaminixError("cannot join", why, item.path)
    return leaf(item.path)


def joined(trees: Iterable[Tree], keep_links: bool) -> Tree:
    """Return all TREES joined into one. Where two trees have different nodes at one path, the later tree wins.

    With KEEP_LINKS, a link to a directory of the tree stays if a later tree has a directory at its path; the contents
    of that directory go to the target of the link.
    """
    result: Tree = {}
    for tree in trees:
        _join(result, tree, result, (), keep_links)
    return result


def _join(lower: Tree, upper: Tree, root: Tree, place: tuple[bytes, ...], keep_links: bool) -> None:
    """Add UPPER to LOWER, the directory at PLACE in ROOT."""
    left = [(lower, upper, place)]
    while left:
        lower, upper, place = left.pop()
        for name, node in upper.items():
            below = lower.get(name)
            if keep_links and isinstance(node, dict) and isinstance(below, Link):
                below = _directory(root, place, below) or below
            if not isinstance(node, dict):
                lower[name] = node
                continue
            if not isinstance(below, dict):
                below = lower[name] = {}
            left.append((below, node, (*place, name)))


def _directory(root: Tree, place: tuple[bytes, ...], link: Link) -> Tree | None:
    """Return the directory in ROOT that LINK leads to from the directory at PLACE; None if there is none."""
    node: Tree | File | Link | None = root
    path = posixpath.normpath(posixpath.join(b"/", *place, link.target))
    for name in path.strip(b"/").split(b"/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def write_tree(tree: Tree, directory: str | bytes) -> None:
    """Write the contents of TREE to DIRECTORY, which exists and is empty."""
    left = [(tree, os.fsencode(directory))]
    while left:
        tree, directory = left.pop()
        for name, node in sorted(tree.items()):
            path = os.path.join(directory, name)
            if isinstance(node, dict):
                os.mkdir(path)
                left.append((node, path))
            else:
                _write_node(node, path)


def _write_node(node: File | Link, path: bytes) -> None:
    if isinstance(node, Link):
        os.symlink(node.target, path)
        return
    shutil.copyfile(node.source, path)
    os.chmod(path, stat.S_IMODE(os.stat(node.source).st_mode) & 0o777)
