"""Closures: store paths with all that they refer to, as Nix tells them.

Nix writes a closure in several ways, and all of them are read here: the list that
``exportReferencesGraph`` gives, and what ``nix path-info --json -r`` prints: a list (before 2.19), an
object by path, or an object ``info`` by base name beside ``storeDir`` (format 2).
"""

from collections.abc import Iterator
from typing import NamedTuple

from laminix.strict_json import Value

STORE_DIRECTORY = "/nix/store"


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
    found: dict[str, StorePath] = {}
    for member, item in members(value):
        if item.path in found:
            raise member.error(f"{item.path} stands twice in the closure")
        found[item.path] = item
    for member, item in members(value) if _is_open(found) else ():
        _check_references(member, item, found)
    return tuple(found[path] for path in sorted(found))


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
    references = member["references"].expect(list)
    size = member["narSize"].number()
    for index, reference in enumerate(references):
        if type(reference) is not str:
            list(member["references"])[index].text()
    if directory is not None and "/" not in path:
        path, references = f"{directory}/{path}", [f"{directory}/{name}" for name in references]
    if not _is_clean(path):
        raise member.error(f"found the path {path!r}, expected a store path like {STORE_DIRECTORY}/HASH-NAME")
    return StorePath(path, tuple(references), size)


def _is_clean(path: str) -> bool:
    """Whether PATH is absolute and has neither empty nor dotted components."""
    first, *others = path.split("/")
    return first == "" and len(others) > 0 and not {"", ".", ".."}.intersection(others)


def _is_open(found: dict[str, StorePath]) -> bool:
    return any(reference not in found for item in found.values() for reference in item.references)


def _check_references(member: Value, item: StorePath, found: dict[str, StorePath]) -> None:
    for index, reference in enumerate(member["references"]):
        if item.references[index] not in found:
            why = f"{item.references[index]} is not in the closure (with nix path-info, use --recursive)"
            raise reference.error(why)
