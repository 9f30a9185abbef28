"""Recipes: the inputs that determine the blob of a layer of store paths, and of files copied out of them."""

import os
from dataclasses import dataclass
from typing import Any

from laminix.errors import LaminixError, shown
from laminix.nix_store import STORE_DIRECTORY, lies_in_store, store_directories
from laminix.store.store_path import is_store_path
from laminix.strict_json import Value
from laminix.tar.entries import Owner

FORMAT = 2  # version of the tar's bytes; raise it if the same recipe would give a different tar


@dataclass(frozen=True)
class Recipe:
    """The inputs from which the blob of a layer can be rebuilt."""

    store_paths: tuple[str, ...]  # sorted
    perms: tuple[Any, ...]  # the rules of --perms, as JSON
    owner: Owner
    mtime: int  # seconds since the epoch
    compressor: str  # none, gzip or zstd; unchecked in a recipe that was read
    compressor_version: str | None  # version of the program or library, which determines the bytes
    copies: tuple[tuple[str, str], ...] = ()  # path in the store, destination in the layer
    format: int = FORMAT

    def inputs(self) -> list[str]:
        """Return the store paths that are read to rebuild the blob, sorted: those in the layer and those copied from.

        Call ``check_inputs`` first: a copy from elsewhere has no store path.
        """
        return sorted({*self.store_paths, *(_store_path_of(source) for source, _ in self.copies)})

    def to_json(self) -> dict[str, Any]:
        """Return the ``recipe`` object of layer.json."""
        copies = [{"source": source, "destination": destination} for source, destination in self.copies]
        return {
            "storePaths": list(self.store_paths),
            **({"copies": copies} if copies else {}),
            "perms": list(self.perms),
            "uid": self.owner.uid,
            "gid": self.owner.gid,
            "uname": os.fsdecode(self.owner.uname),
            "gname": os.fsdecode(self.owner.gname),
            "mtime": self.mtime,
            "compressor": self.compressor,
            "compressorVersion": self.compressor_version,
            "format": self.format,
        }


def read_recipe(value: Value) -> Recipe:
    """Return the recipe in VALUE. Raises LaminixError for a missing key or a wrong type."""
    version = value.get("compressorVersion")
    copies = value.get("copies")
    return Recipe(
        store_paths=tuple(value["storePaths"].texts()),
        copies=tuple((copy["source"].text(), copy["destination"].text()) for copy in copies) if copies else (),
        perms=tuple(value["perms"].expect(list)),
        owner=Owner(
            value["uid"].number(),
            value["gid"].number(),
            os.fsencode(value["uname"].text()),
            os.fsencode(value["gname"].text()),
        ),
        mtime=value["mtime"].number(),
        compressor=value["compressor"].text(),
        compressor_version=version.text() if version else None,
        format=value["format"].number(),
    )


def check_inputs(recipe: Recipe, place: str) -> None:
    """Raise LaminixError if RECIPE, of the layer at PLACE, names a path outside the store."""
    for path in recipe.store_paths:
        if not is_store_path(path) or os.path.dirname(path) not in store_directories():
            raise _outside("storePaths", path, place)
    for source, _ in recipe.copies:
        if _store_path_of(source) is None or not lies_in_store(source):
            raise _outside("copies", source, place)


def _store_path_of(source: str) -> str | None:
    """Return the store path that SOURCE is or lies in; None if it is elsewhere, or not spelled in the normal way."""
    for store in store_directories():
        if source.startswith(f"{store}/") and os.path.normpath(source) == source:
            path = f"{store}/{source[len(store) + 1 :].split('/')[0]}"
            return path if is_store_path(path) else None
    return None


def _outside(key: str, path: str, place: str) -> LaminixError:
    expected = f"expected a store path like {STORE_DIRECTORY}/HASH-NAME ($NIX_STORE names another store)"
    return LaminixError("bad recipe", f"recipe.{key}: found {shown(path)!r}, {expected}", place)
