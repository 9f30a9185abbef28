"""mk-layer as tests call it, and what they look at in its layer directories."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HASHES = "0123456789abcdfghijklmnpqrsvwxyz"  # Nix's alphabet


class LayerMaker:
    """mk-layer, writing to new places in DIRECTORY, which holds nothing else."""

    def __init__(self, builder: Callable, directory: Path):
        self._builder = builder
        self.directory = directory
        directory.mkdir()

    def make(self, *argv: object, **how: Any) -> Path:
        """The layer directory that mk-layer makes of ARGV, which has no --out, without a word."""
        out = self.directory / str(len(self.there()))
        done = self._builder("mk-layer", *argv, "--out", out, **how)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return out

    def refused(self, *argv: object, **how: Any) -> str:
        """The one line, without its beginning, that mk-layer ends with; it has to leave nothing behind."""
        before = self.there()
        done = self._builder("mk-layer", *argv, "--out", self.directory / "refused", **how)
        assert self.there() == before
        return one_line(done)

    def there(self) -> list[str]:
        """The names of all that stands where outputs go."""
        return sorted(path.name for path in self.directory.iterdir())


def one_line(done, status: int = 1) -> str:
    """What the ended process of mk-layer complains of: one line on standard error, nothing else."""
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("mk-layer: error: ") and done.stderr.endswith("\n")
    line = done.stderr[len("mk-layer: error: ") : -1]
    assert line.isprintable()
    return line


def layer_json(layer: Path) -> dict[str, Any]:
    """What the layer directory says of itself."""
    return json.loads((layer / "layer.json").read_bytes())


def diff_id(layer: Path) -> str:
    """The digest of its tar, as it says."""
    return layer_json(layer)["diffID"]


def members(layer: Path) -> dict[str, tarfile.TarInfo]:
    """The entries of its tar, by name; directories end with a slash, as they do in the tar."""
    with tarfile.open(layer / layer_json(layer)["blob"]) as tar:
        return {info.name + "/" * info.isdir(): info for info in tar}


def names(layer: Path) -> list[str]:
    """The names of its entries, in order."""
    return list(members(layer))


def content(layer: Path, name: str) -> bytes:
    """The content of the file NAME in it."""
    with tarfile.open(layer / layer_json(layer)["blob"]) as tar:
        return tar.extractfile(name).read()


def store_path(store: Path, name: str, text: str | None = None) -> Path:
    """A store path NAME with the file bin/NAME, or a file with TEXT; its hash is made from the name alone."""
    path = store / f"{(HASHES[len(name) % 32] * 32)}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_text(text)
        return path
    (path / "bin").mkdir(parents=True)
    (path / "bin" / name).write_text(f"I am {name}\n")
    (path / "bin" / name).chmod(0o755)
    return path
