"""Several directories joined into one tree, like rsync (copies) and lndir (links) do.

A tree maps names to nodes: a directory is another tree, anything else a File or a Link.
"""

import os
import posixpath
import shutil
import stat
from collections.abc import Iterable
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
    return _read(_absolute(directory), follow, File, ())


def read_links(directory: str) -> Tree:
    """Return the tree of DIRECTORY with links to its files. Its own links stay as they are.

    Raises LaminixError for FIFOs, sockets and devices.
    """
    return _read(_absolute(directory), False, Link, ())


def _absolute(directory: str) -> bytes:
    if not os.path.isdir(directory):
        raise LaminixError("cannot join", "no such directory", directory)
    return os.fsencode(os.path.abspath(directory))


def _read(directory: bytes, follow: bool, leaf: type, above: tuple[bytes, ...]) -> Tree:
    above = (*above, os.path.realpath(directory))
    with os.scandir(directory) as scan:
        return {item.name: _node(item, follow, leaf, above) for item in scan}


def _node(item: os.DirEntry, follow: bool, leaf: type, above: tuple[bytes, ...]) -> Tree | File | Link:
    """Return the node for ITEM. ABOVE are the real paths of the directories above it."""
    if item.is_symlink() and not (follow and item.is_dir()):
        return Link(os.readlink(item.path))
    if item.is_dir():
        if os.path.realpath(item.path) in above:
            raise LaminixError("cannot join", "symbolic link leads to a directory that contains it", item.path)
        return _read(item.path, follow, leaf, above)
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
    for name, node in upper.items():
        below = lower.get(name)
        if keep_links and isinstance(node, dict) and isinstance(below, Link):
            below = _directory(root, place, below) or below
        if isinstance(node, dict) and isinstance(below, dict):
            _join(below, node, root, (*place, name), keep_links)
        elif isinstance(node, dict):
            lower[name] = {}
            _join(lower[name], node, root, (*place, name), keep_links)
        else:
            lower[name] = node


def _directory(root: Tree, place: tuple[bytes, ...], link: Link) -> Tree | None:
    """Return the directory in ROOT that LINK leads to from the directory at PLACE; None if there is none."""
    node: Tree | File | Link | None = root
    path = posixpath.normpath(posixpath.join(b"/", *place, link.target))
    for name in path.strip(b"/").split(b"/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def write_tree(tree: Tree, directory: str | bytes) -> None:
    """Write the contents of TREE to DIRECTORY, which exists and is empty."""
    for name, node in sorted(tree.items()):
        path = os.path.join(os.fsencode(directory), name)
        if isinstance(node, dict):
            os.mkdir(path)
            write_tree(node, path)
        elif isinstance(node, Link):
            os.symlink(node.target, path)
        else:
            shutil.copyfile(node.source, path)
            os.chmod(path, stat.S_IMODE(os.stat(node.source).st_mode) & 0o777)
