"""Layer directories: make them with mk-layer, and read the tar and layer.json in them."""

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from error_line import error_line

HASHES = "0123456789abcdfghijklmnpqrsvwxyz"  # Nix's alphabet


class LayerMaker:
    """Runs mk-layer.  The results go to DIRECTORY, which contains nothing else."""

    def __init__(self, builder: Callable, directory: Path):
        self._builder = builder
        self.directory = directory
        directory.mkdir()

    def make(self, *argv: object, **how: Any) -> Path:
        """The layer directory that mk-layer makes of ARGV (without --out); it must print nothing."""
        out = self.directory / str(len(self.there()))
        done = self._builder("mk-layer", *argv, "--out", out, **how)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return out

    def refused(self, *argv: object, status: int = 1, **how: Any) -> str:
        """The error line of mk-layer for ARGV (without --out), its exit STATUS checked; it must leave no files behind."""
        before = self.there()
        done = self._builder("mk-layer", *argv, "--out", self.directory / "refused", **how)
        assert self.there() == before
        return one_line(done, status)

    def there(self) -> list[str]:
        """The names of all files in DIRECTORY."""
        return sorted(path.name for path in self.directory.iterdir())


def one_line(ended: subprocess.CompletedProcess, status: int = 1) -> str:
    """The error line of a mk-layer that ended with STATUS."""
    return error_line(ended, "mk-layer", status)


def layer_json(layer: Path) -> dict[str, Any]:
    """The layer directory's layer.json."""
    return json.loads((layer / "layer.json").read_bytes())


def diff_id(layer: Path) -> str:
    """The diff ID in the layer directory's layer.json."""
    return layer_json(layer)["diffID"]


def members(layer: Path) -> dict[str, tarfile.TarInfo]:
    """The entries of the layer's tar, by name; names of directories end with a slash, as in the tar."""
    with tarfile.open(layer / layer_json(layer)["blob"]) as tar:
        return {info.name + "/" * info.isdir(): info for info in tar}


def names(layer: Path) -> list[str]:
    """The names of the entries of the layer's tar, in order."""
    return list(members(layer))


def content(layer: Path, name: str) -> bytes:
    """The content of the file NAME in the layer's tar."""
    with tarfile.open(layer / layer_json(layer)["blob"]) as tar:
        return tar.extractfile(name).read()


def store_path(store: Path, name: str, text: str | None = None) -> Path:
    """Make the store path NAME: a directory with bin/NAME, or a file with TEXT.  Its hash depends on NAME only."""
    path = store / f"{(HASHES[len(name) % 32] * 32)}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_text(text)
        return path
    (path / "bin").mkdir(parents=True)
    (path / "bin" / name).write_text(f"I am {name}\n")
    (path / "bin" / name).chmod(0o755)
    return path
