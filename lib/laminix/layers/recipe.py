"""Recipes: the inputs that determine the blob of a layer of store paths."""

import os
from dataclasses import dataclass
from typing import Any

from laminix.errors import LaminixError, shown
from laminix.nix_store import STORE_DIRECTORY, store_directories
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
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return the ``recipe`` object of layer.json."""
        return {
            "storePaths": list(self.store_paths),
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
    return Recipe(
        store_paths=tuple(value["storePaths"].texts()),
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


def check_store_paths(recipe: Recipe, place: str) -> None:
    """Raise LaminixError if RECIPE, of the layer at PLACE, names a path outside the store."""
    for path in recipe.store_paths:
        if not is_store_path(path) or os.path.dirname(path) not in store_directories():
            expected = f"expected a store path like {STORE_DIRECTORY}/HASH-NAME ($NIX_STORE names another store)"
            raise LaminixError("bad recipe", f"recipe.storePaths: found {shown(path)!r}, {expected}", place)
