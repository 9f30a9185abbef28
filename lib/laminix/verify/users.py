"""Checks that the user and group of an image exist in it (image-spec config.md, User)."""

import posixpath
from collections.abc import Iterator, Sequence

from laminix.errors import LaminixError
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import open_uncompressed
from laminix.suggestion import did_you_mean
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, OPAQUE, SYMLINK, WHITEOUT_PREFIX, Entry
from laminix.tar.reader import read

MAX_LINK_HOPS = 40  # links followed for one path, the kernel's limit
MAX_FILE_SIZE = 1 << 20  # bytes read of /etc/passwd and /etc/group


def user_problems(image: Image) -> Iterator[LaminixError]:
    """Yield an error for a user or group name in ``User`` that the image's /etc/passwd or /etc/group lacks.

    Reads the layers again, the top one first, and only for names: numbers need no entry.
    """
    user, _, group = (image.config.runtime.get("User") or "").partition(":")
    for kind, name, path in (("user", user, b"etc/passwd"), ("group", group, b"etc/group")):
        if name and not name.isdecimal():
            known = _names_in(file_in_layers(image.layers, path))
            if name not in known:
                remedy = did_you_mean(name, known) or "; add it, or give its number"
                why = f"config.User: no {kind} {name!r} in the image's /{path.decode()}{remedy}"
                yield LaminixError("bad config", why)


def _names_in(table: bytes | None) -> set[str]:
    """Return the first fields of a file such as /etc/passwd."""
    lines = (table or b"").decode("utf-8", "replace").splitlines()
    return {line.partition(":")[0] for line in lines if ":" in line}


class _Moved(Exception):
    """Raised for a link on the way to a file; PATH is the path to look up instead."""

    def __init__(self, path: bytes):
        super().__init__(path)
        self.path = path


def file_in_layers(layers: Sequence[StoredLayer], path: bytes) -> bytes | None:
    """Return the content of the file at PATH as a container sees it; None if there is no file.

    PATH is relative to the root. Follows symbolic links.
    """
    for _ in range(MAX_LINK_HOPS):
        try:
            return _look_up(layers, path)
        except _Moved as moved:
            path = moved.path
    return None


def _look_up(layers: Sequence[StoredLayer], path: bytes) -> bytes | None:
    for layer in reversed(layers):
        content, hidden = _look_into(layer, path)
        if content is not None or hidden:
            return content
    return None


def _look_into(layer: StoredLayer, path: bytes) -> tuple[bytes | None, bool]:
    """Return the file's content if LAYER has it, and whether LAYER hides it in the layers below.

    Raises _Moved if PATH or a directory above it is a link.
    """
    hiding = set(_whiteouts(path))
    hidden = False
    with open_uncompressed(layer) as stream:
        for entry, content in read(stream, "bad layer", layer.location):
            if entry.path == path or path.startswith(entry.path + b"/"):
                if entry.type == FILE and entry.path == path:
                    return content.read(min(entry.size, MAX_FILE_SIZE)), True
                _follow(entry, path)
                hidden |= entry.path == path or entry.type != DIRECTORY
            hidden |= entry.path in hiding
    return None, hidden


def _follow(entry: Entry, path: bytes) -> None:
    """Raise _Moved if ENTRY, at PATH or above it, is a link."""
    rest = path[len(entry.path) :]
    if entry.type == SYMLINK:
        start = b"/" + posixpath.dirname(entry.path)
        raise _Moved(posixpath.normpath(posixpath.join(start, entry.link) + rest).lstrip(b"/"))
    if entry.type == HARD_LINK:
        raise _Moved(entry.link + rest)


def _whiteouts(path: bytes) -> Iterator[bytes]:
    """Yield the whiteouts and opaque markers that hide PATH."""
    while path:
        parent, _, name = path.rpartition(b"/")
        prefix = parent + b"/" if parent else b""
        yield prefix + WHITEOUT_PREFIX + name
        yield prefix + OPAQUE
        path = parent
