"""Closures: store paths and everything they refer to, as Nix writes them.

Four formats are read: the list from ``exportReferencesGraph``, and the output of ``nix path-info --json -r``, which
is a list (before Nix 2.19), an object with paths as keys, or an object with base names as keys in ``info`` beside
``storeDir`` (format 2).
"""

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from laminix.nix_store import STORE_DIRECTORY
from laminix.strict_json import Value

LARGEST_SIZE = 2**63 - 1  # bytes
CLEAN = re.compile(r"(/(?!\.{1,2}(/|$))[^/]+)+")  # absolute, no empty or dotted components


class StorePath(NamedTuple):
    """A store path with its references and its size."""

    path: str
    references: tuple[str, ...]  # store paths in the closure, in the order given; may include the path itself
    size: int  # bytes of its NAR (narSize)


def read_closure(value: Value) -> tuple[StorePath, ...]:
    """Return the store paths of the closure in VALUE, sorted by path.

    Raises LaminixError for a wrong type, a missing key, a repeated path, and a reference to a path that is not in
    the closure.
    """
    items = _valid_list(value.raw)
    if items is None:
        items = _checked(value)
    return tuple(sorted(items, key=attrgetter("path")))


def _valid_list(raw: Any) -> list[StorePath] | None:
    """Return the store paths in RAW if it is a valid list, else None. Takes half the time of ``_checked``."""
    try:
        # Sharing one string between a path and all references to it saves half of the memory.
        texts = {item["path"]: item["path"] for item in raw}
        known = texts.__getitem__
        found = [StorePath(item["path"], tuple([*map(known, item["references"])]), item["narSize"]) for item in raw]
        valid = (
            len(texts) == len(raw)
            and all(map(CLEAN.fullmatch, texts))
            and {type(item["references"]) for item in raw} == {list}
            and {type(item.size) for item in found} == {int}
            and min(item.size for item in found) >= 0
            and max(item.size for item in found) <= LARGEST_SIZE
        )
    except (KeyError, TypeError):
        return None
    return found if valid else None


def _checked(value: Value) -> list[StorePath]:
    found: dict[str, StorePath] = {}
    for member, item in members(value):
        if item.path in found:
            raise member.error(f"repeated store path {item.path}, expected each path once")
        found[item.path] = item
    for member, item in members(value):
        if unknown := [path for path in item.references if path not in found]:
            why = f"found {unknown[0]}, which is not in the closure (with nix path-info, use --recursive)"
            raise member["references"].error(why)
    return list(found.values())


def members(value: Value) -> Iterator[tuple[Value, StorePath]]:
    """Yield each member of the closure in VALUE with the store path that it describes."""
    if type(value.expect(list, dict)) is list:
        yield from ((member, _store_path(member, member["path"].text(), None)) for member in value)
        return
    by_path, directory = value, STORE_DIRECTORY
    if "storeDir" in value.raw:
        by_path, directory = value["info"], value["storeDir"].text()
    for path, member in by_path.items():
        if member.raw is None:
            raise member.error("found null, which means that the path is not in the store; build it first")
        yield member, _store_path(member, path, directory)


def _store_path(member: Value, path: str, directory: str | None) -> StorePath:
    """Return the store path PATH that MEMBER describes. DIRECTORY is the store of base names, None for full paths."""
    references = member["references"].texts()
    size = member["narSize"].number()
    if size > LARGEST_SIZE:
        raise member["narSize"].error(f"found {size}, expected at most {LARGEST_SIZE}")
    if directory is not None and "/" not in path:
        path, references = f"{directory}/{path}", [f"{directory}/{name}" for name in references]
    if not CLEAN.fullmatch(path):
        raise member.error(f"found the path {path!r}, expected a store path like {STORE_DIRECTORY}/HASH-NAME")
    return StorePath(path, tuple(references), size)
