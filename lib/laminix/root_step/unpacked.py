"""Unpacked images: the merged tree of an image as plain files, and a list of what plain files cannot say.

The directory has ``tree``, which the Nix store may keep (it drops owners, modes and times, and has neither
FIFOs nor device nodes), and ``unpacked.json`` with the image's config and an entry for each path.
"""

import base64
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from laminix import strict_json
from laminix.errors import LaminixError
from laminix.images.oci import Config, read_config
from laminix.regular_file import read_regular_file
from laminix.strict_json import Value
from laminix.tar.entries import Entry, Owner

VERSION = 1
LIST = "unpacked.json"
TREE = "tree"
WHAT = "bad unpacked image"


@dataclass(frozen=True)
class Unpacked:
    """An unpacked image."""

    directory: str
    config: Config
    entries: Sequence[Entry]  # a directory before its contents, the names in it bytewise; no hard links

    @property
    def tree(self) -> str:
        """Where the files are."""
        return os.path.join(self.directory, TREE)


def is_unpacked(path: str) -> bool:
    """Whether an unpacked image is at PATH."""
    return os.path.isfile(os.path.join(path, LIST))


def write_list(directory: str, config: Config, entries: Iterable[Entry]) -> None:
    """Write the list of ENTRIES into DIRECTORY."""
    document = {"laminix": VERSION, "config": config.raw, "entries": [_row(entry) for entry in entries]}
    with open(os.path.join(directory, LIST), "wb") as file:
        file.write(strict_json.dumps(document))


def _row(entry: Entry) -> list[Any]:
    """[path, type, mode, uid, gid, mtime] and, where there are any, [link, major, minor, xattrs]."""
    row = [os.fsdecode(entry.path), entry.type.decode(), entry.mode, *entry.owner[:2], entry.mtime]
    if entry.link or entry.device != (0, 0) or entry.xattrs:
        xattrs = {os.fsdecode(name): base64.b64encode(value).decode() for name, value in entry.xattrs}
        row += [os.fsdecode(entry.link), *entry.device, xattrs]
    return row


def read_unpacked(directory: str) -> Unpacked:
    """The unpacked image in DIRECTORY.  Raises LaminixError where its list is faulty."""
    path = os.path.join(directory, LIST)
    try:
        # A list of 100,000 entries, which json alone reads in a third of the time.
        document = json.loads(read_regular_file(path))
        if document["laminix"] != VERSION:
            raise LaminixError(WHAT, f"found version {document['laminix']}, expected {VERSION}", path)
        entries = [_entry(*row) for row in document["entries"]]
    except (ValueError, TypeError, KeyError) as error:
        raise LaminixError(WHAT, f"its list is damaged: {error}", path) from None
    config = read_config(Value(document["config"], WHAT, path, "config"))
    return Unpacked(directory, config, entries)


def _entry(
    path: str,
    type: str,
    mode: int,
    uid: int,
    gid: int,
    mtime: int,
    link: str = "",
    major: int = 0,
    minor: int = 0,
    xattrs: dict[str, str] | None = None,
) -> Entry:
    values = tuple(sorted((os.fsencode(name), base64.b64decode(text)) for name, text in (xattrs or {}).items()))
    device = (major, minor)
    return Entry(os.fsencode(path), type.encode(), mode, Owner(uid, gid), mtime, 0, os.fsencode(link), device, values)
