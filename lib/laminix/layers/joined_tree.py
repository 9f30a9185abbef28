"""Several directories joined into one tree, as rsync (copies) and lndir (links) join them.

A tree is a mapping of names to nodes: to another tree for a directory, to a File or a Link for the rest.
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
    """A file to be copied."""

    source: bytes  # where its content is


class Link(NamedTuple):
    """A symbolic link to be made."""

    target: bytes


Tree = dict[bytes, Union["Tree", File, Link]]


def read_copies(directory: str, follow: bool) -> Tree:
    """What DIRECTORY holds, to be copied; with FOLLOW, links to directories as what they lead to.

    Raises LaminixError for what is neither file, directory nor link, and where links lead in a circle.
    """
    return _read(_absolute(directory), follow, File, ())


def read_links(directory: str) -> Tree:
    """What DIRECTORY holds, its files as links to them; its links stay as they are.

    Raises LaminixError for what is neither file, directory nor link.
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
    """ABOVE are the directories that the way to ITEM leads through."""
    if item.is_symlink() and not (follow and item.is_dir()):
        return Link(os.readlink(item.path))
    if item.is_dir():
        if os.path.realpath(item.path) in above:
            raise LaminixError("cannot join", "this link leads to a directory that it is in", item.path)
        return _read(item.path, follow, leaf, above)
    if not item.is_file():
        found = kind_of(item.stat().st_mode)
        raise LaminixError("cannot join", f"found {found}; a layer takes files, directories and links", item.path)
    return leaf(item.path)


def joined(trees: Iterable[Tree], keep_links: bool) -> Tree:
    """All of the trees in one; where they differ in more than directories, the later wins.

    With KEEP_LINKS, what a later tree has below a directory goes where a link in that directory's place
    leads, if it leads to a directory of the tree.
    """
    result: Tree = {}
    for tree in trees:
        _join(result, tree, result, (), keep_links)
    return result


def _join(lower: Tree, upper: Tree, root: Tree, place: tuple[bytes, ...], keep_links: bool) -> None:
    """Put UPPER over LOWER, which is at PLACE below ROOT."""
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
    """The directory below ROOT that LINK, which is in the directory at PLACE, leads to; None if to none."""
    node: Tree | File | Link | None = root
    path = posixpath.normpath(posixpath.join(b"/", *place, link.target))
    for name in path.strip(b"/").split(b"/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def write_tree(tree: Tree, directory: str | bytes) -> None:
    """Fill DIRECTORY with the tree."""
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
