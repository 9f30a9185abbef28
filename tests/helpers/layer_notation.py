"""Layers in a short notation, such as ``{bin/sh, tmp/ 1777 0:5, lib→usr/lib, etc/.wh.old}``.

A name that ends in a slash is a directory, ``→`` makes a symbolic link, ``⇒`` a hard link. A file contains its name
without directories, or the text after ``=``. Mode and owner may follow a name; ``!`` makes them explicit, as a
permission rule does. Directories above a name that are not written get an entry of their own, as in mk-layer's layers.
"""

import io
import re

from laminix.merge.merged_tree import MergedTree
from laminix.tar.entries import DIRECTORY, FILE, HARD_LINK, SYMLINK, Entry, Owner, layer_order
from laminix.tar.reader import read
from laminix.tar.writer import END, header, padding

MEMBER = re.compile(
    r"(?P<name>[^ =→⇒]+)(?P<kind>[=→⇒])?(?P<value>[^ ]*)(?: (?P<mode>[0-7]{4}))?(?: (?P<ids>\d+:\d+))?(?P<mark> !)?"
)
Members = list[tuple[Entry, bytes]]  # entries with their contents


def layers(notation: str) -> list[bytes]:
    """Return the tars of the layers in NOTATION, lowest first: ``{…} + {…}``."""
    return [tar(members(text)) for text in re.findall(r"\{(.*?)\}", notation)]


def members(text: str) -> Members:
    """Return the members that TEXT lists, and the directories above them, in mk-layer's order."""
    found = [_member(part) for part in text.split(", ") if part]
    names = {entry.path for entry, _ in found}
    for path in {path for entry, _ in found for path in above(entry.path)} - names:
        found.append((Entry(path, DIRECTORY, 0o755), b""))
    return sorted(found, key=lambda member: layer_order(member[0].path))


def above(path: bytes) -> list[bytes]:
    """Return the directories above PATH, outermost first."""
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def _member(text: str) -> tuple[Entry, bytes]:
    match = MEMBER.fullmatch(text)
    name, value = match["name"].encode(), match["value"].encode()
    type = {"→": SYMLINK, "⇒": HARD_LINK}.get(match["kind"], DIRECTORY if name.endswith(b"/") else FILE)
    mode = int(match["mode"] or {DIRECTORY: "755", SYMLINK: "777"}.get(type, "644"), 8)
    ids = (int(number) for number in (match["ids"] or "0:0").split(":"))
    default = b"" if b".wh." in name else name.rpartition(b"/")[2]
    content = (default if match["kind"] is None else value) if type == FILE else b""
    link = value if type in (SYMLINK, HARD_LINK) else b""
    entry = Entry(name.rstrip(b"/"), type, mode, Owner(*ids), 1, len(content), link, explicit=bool(match["mark"]))
    return entry, content


def tar(found: Members) -> bytes:
    """Return the tar of entries and contents."""
    parts = (part for entry, content in found for part in (header(entry), content, padding(len(content))))
    return b"".join(parts) + END


def tree(tars: list[bytes]) -> dict[str, str]:
    """Return the merged tree of layers: for each path what it is, as ``shown`` writes it."""
    merged = MergedTree(keep=lambda entry, content: content.read())
    for data in tars:
        merged.add_layer(read(io.BytesIO(data)))
    return {path.decode(): shown(node.entry, node.digest) for path, node in merged.nodes()}


def shown(entry: Entry, content: bytes | None) -> str:
    """Return type, mode, owner and content of an entry as text."""
    what = {DIRECTORY: "/", SYMLINK: f"→{entry.link.decode()}"}.get(entry.type)
    mode = "" if entry.type == SYMLINK else f" {entry.mode:04o}"
    return (what or f"={content.decode()}") + f"{mode} {entry.owner.uid}:{entry.owner.gid}"
