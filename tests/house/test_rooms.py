"""Imports of the library go one way: a room imports only rooms that stand before it."""

import ast
import re
from pathlib import Path

import pytest

from checkout import ROOT

LIBRARY = ROOT / "lib" / "laminix"

CONTRACT = (LIBRARY / "README.md").read_text()
# The contract lists the rooms in order: each may import itself and the rooms before it. "" is the top level.
ROOMS = ["", *re.findall(r"^\| `(\w+)/` \|", CONTRACT, re.MULTILINE)]
MAY_IMPORT_ONLY = {"plans": {"", "command", "pictures", "store", "plans"}}


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def room_of(path: Path) -> str:
    parent = path.relative_to(LIBRARY).parent
    return "" if parent == Path() else parent.parts[0]


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that the module at PATH imports from, anywhere in it."""
    return {room for name in imported_modules(path) if (room := room_of_module(name)) is not None}


def imported_modules(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.split(".")[0] == "laminix"}


def room_of_module(name: str) -> str | None:
    parts = name.split(".")[1:]
    return parts[0] if parts and (LIBRARY / parts[0]).is_dir() else ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_module_imports_only_rooms_before_its_own(path):
    room = room_of(path)
    allowed = MAY_IMPORT_ONLY.get(room) or set(ROOMS[: ROOMS.index(room) + 1])
    assert imported_rooms(path) <= allowed


def test_every_room_is_in_the_contract():
    assert {room_of(path) for path in modules()} == set(ROOMS)


def test_no_two_modules_import_each_other():
    imports = {dotted(path): imported_modules(path) for path in modules()}
    graph = {
        name: {other for other in imports if other in found or any(i.startswith(f"{other}.") for i in found)}
        for name, found in imports.items()
    }
    done: set[str] = set()
    for name in graph:
        walk(name, graph, (), done)


def dotted(path: Path) -> str:
    parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def walk(name: str, graph: dict[str, set[str]], trail: tuple[str, ...], done: set[str]) -> None:
    assert name not in trail, f"a circle: {' > '.join([*trail, name])}"
    if name not in done:
        for other in graph[name] - {name}:
            if not name.startswith(f"{other}."):  # a module's import of its own room's modules passes __init__
                walk(other, graph, (*trail, name), done)
    done.add(name)
