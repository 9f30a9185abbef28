"""Images of recipes, whose store paths then leave this machine."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from binary_cache import BinaryCache
from layer_files import HASHES

OWNED = [{"glob": "**/bin/*", "mode": "4555", "uid": 7, "gname": "wheel"}, {"glob": "**/nix", "mode": "0700"}]


class FactsMaker:
    """Makes store paths in STORE, images of them, and caches, all in DIRECTORY."""

    def __init__(self, builder: Callable, store: Path, directory: Path):
        self._builder = builder
        self.store = store
        self.directory = directory
        self.elsewhere = directory / "elsewhere"  # where store paths go that leave this machine

    def path(self, number: int, name: str, size: int = 1000) -> Path:
        """A store path with a program, links, an empty directory and a file of SIZE bytes."""
        path = self.store / f"{HASHES[number % 32]}{HASHES[number // 32] * 31}-{name}"
        (path / "bin").mkdir(parents=True)
        (path / "bin" / name).write_text(f"#!/bin/sh\necho {name}\n")
        (path / "bin" / name).chmod(0o555)
        (path / "bin" / "link").symlink_to(name)
        (path / "a").mkdir()
        (path / "a" / "below").write_bytes(b"x" * 513)
        (path / "a.b").write_bytes(b"")
        (path / ("long-" * 40)).symlink_to("../" + "far-away/" * 30)
        (path / "data").write_bytes((name.encode() * (size // len(name) + 1))[:size])
        os.link(path / "data", path / "data-too")  # as an optimised store has them
        return path

    def facts(self, layers: Sequence[Sequence[Path]], *options: object) -> Path:
        """An image directory of recipes: for each of LAYERS, a layer of its store paths that mk-layer made with OPTIONS."""
        place = self.directory / f"made-{len(list(self.directory.glob('made-*')))}"
        place.mkdir()
        argv = []
        for number, paths in enumerate(layers):
            named = [word for path in paths for word in ("--store-path", path)]
            layer = place / f"{number}.layer"
            self._builder("mk-layer", *named, *options, "--no-blob", "--out", layer, check=True)
            argv += ["--layer", layer]
        self._builder("mk-image", "--name", "app", *argv, "--out", place / "image", check=True)
        return place / "image"

    def perms(self) -> Path:
        """A file of permission rules."""
        (self.directory / "perms.json").write_text(json.dumps(OWNED))
        return self.directory / "perms.json"

    def cache(self, *paths: Path, compression: str = "xz") -> BinaryCache:
        """A binary cache with PATHS."""
        number = len(list(self.directory.glob("cache-*")))
        cache = BinaryCache(self.directory / f"cache-{number}", self.store)
        cache.add(*paths, compression=compression)
        return cache

    def forget(self, *paths: Path) -> Path:
        """Move PATHS to another root's store and return that."""
        self.elsewhere.mkdir(exist_ok=True)
        for path in paths:
            shutil.move(path, self.elsewhere)
        return self.elsewhere

    def packed(self, image: Path, *options: object) -> bytes:
        """The docker archive of IMAGE that pack-image writes with OPTIONS."""
        argv = ("pack-image", image, "--format", "docker-archive", "--out", "-", *options)
        done = self._builder(*argv, text=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def refused(self, image: Path, *options: object) -> list[str]:
        """The lines of a pack-image that fails and leaves nothing."""
        out = self.directory / "refused.tar"
        done = self._builder("pack-image", image, "--format", "docker-archive", "--out", out, *options)
        assert done.returncode == 1 and not done.stdout, done
        assert not [name for name in os.listdir(self.directory) if "refused" in name]
        return [line.removeprefix("pack-image: error: ") for line in done.stderr.splitlines()]
