"""Closures: store paths with all that they refer to, as Nix tells them.

Nix writes a closure in several ways, and all of them are read here: the list that
``exportReferencesGraph`` gives, and what ``nix path-info --json -r`` prints: a list (before 2.19), an
object by path, or an object ``info`` by base name beside ``storeDir`` (format 2).
"""

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from laminix.nix_store import STORE_DIRECTORY
from laminix.strict_json import Value

CLEAN = re.compile(r"(/(?!\.{1,2}(/|$))[^/]+)+")  # absolute, no empty or dotted components


class StorePath(NamedTuple):
    """A store path, what it refers to and its size."""

    path: str
    references: tuple[str, ...]  # store paths in the closure, in the order given; may hold the path itself
    size: int  # bytes of its NAR (narSize)


def read_closure(value: Value) -> tuple[StorePath, ...]:
    """The store paths of the closure in VALUE, sorted by path.

    Raises LaminixError for a wrong type, a missing key, a path given twice, and a reference to a path
    that is not in it (then it is no closure).
    """
    items = _sound(value.raw)
    if items is None:
        items = _checked(value)
    return tuple(sorted(items, key=attrgetter("path")))


def _sound(raw: Any) -> list[StorePath] | None:
    """The store paths in RAW, where it is a list without fault: so most are read, in half of the time."""
    try:
        # One text for each path, not one for each reference to it: that takes half of the memory.
        texts = {item["path"]: item["path"] for item in raw}
        known = texts.__getitem__
        found = [
            StorePath(item["path"], tuple([*map(known, item["references"])]), item["narSize"]) for item in raw
        ]
        sound = (
            len(texts) == len(raw)
            and all(map(CLEAN.fullmatch, texts))
            and {type(item["references"]) for item in raw} == {list}
            and {type(item.size) for item in found} == {int}
            and min(item.size for item in found) >= 0
        )
    except (KeyError, TypeError):
        return None
    return found if sound else None


def _checked(value: Value) -> list[StorePath]:
    found: dict[str, StorePath] = {}
    for member, item in members(value):
        if item.path in found:
            raise member.error(f"{item.path} stands twice in the closure")
        found[item.path] = item
    for member, item in members(value):
        if unknown := [path for path in item.references if path not in found]:
            why = f"{unknown[0]} is not in the closure (with nix path-info, use --recursive)"
            raise member["references"].error(why)
    return list(found.values())


def members(value: Value) -> Iterator[tuple[Value, StorePath]]:
    """Each member of the closure in VALUE, and what it says."""
    if type(value.expect(list, dict)) is list:
        yield from ((member, _store_path(member, member["path"].text(), None)) for member in value)
        return
    by_path, directory = value, STORE_DIRECTORY
    if "storeDir" in value.raw:
        by_path, directory = value["info"], value["storeDir"].text()
    for path, member in by_path.items():
        if member.raw is None:
            raise member.error("found null: Nix says so of a path that is not in its store")
        yield member, _store_path(member, path, directory)


def _store_path(member: Value, path: str, directory: str | None) -> StorePath:
    """What MEMBER says of PATH; base names, where there may be some, lie in DIRECTORY."""
    references = member["references"].texts()
    size = member["narSize"].number()
    if directory is not None and "/" not in path:
        path, references = f"{directory}/{path}", [f"{directory}/{name}" for name in references]
    if not CLEAN.fullmatch(path):
        raise member.error(f"found the path {path!r}, expected a store path like {STORE_DIRECTORY}/HASH-NAME")
    return StorePath(path, tuple(references), size)
