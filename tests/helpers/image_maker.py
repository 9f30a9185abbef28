"""Layers and images made by the builders, each once."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from error_line import error_line
from file_trees import FileTree, write_directory


class ImageMaker:
    """Runs the builders.  The results go to DIRECTORY, by name; a name that is there already is not made again."""

    def __init__(self, builder: Callable, directory: Path):
        self._builder = builder
        self.directory = directory

    def layer(self, name: str, files: FileTree, *options: str) -> Path:
        """The layer directory NAME, with FILES."""
        tree = self.directory / f"{name}.tree"
        if not tree.exists():
            write_directory(str(tree), files)
        return self.build(f"{name}.layer", "mk-layer", "--copy", tree, *options)

    def image(self, name: str, config: dict[str, Any], *layers: Path) -> Path:
        """The image directory of NAME:latest, with LAYERS, base layer first."""
        config_file = self.directory / f"{name}.config.json"
        config_file.write_text(json.dumps(config))
        options = [word for layer in layers for word in ("--layer", layer)]
        return self.build(f"{name}.image", "mk-image", "--name", name, "--config", config_file, *options)

    def packed(self, image: Path, form: str) -> Path:
        """IMAGE in another FORM, made by pack-image."""
        return self.build(f"{image.name}.{form}", "pack-image", image, "--format", form)

    def layers(self, image: object, *options: str) -> list[dict[str, Any]]:
        """The layers of an image in any form, as list-layers prints them."""
        return json.loads(self.run("list-layers", "--json", image, *options))

    def diff_ids(self, image: object, *options: str) -> list[str]:
        """The diff IDs of an image's layers."""
        return [layer["diffID"] for layer in self.layers(image, *options)]

    def build(self, name: str, builder: str, *argv: object) -> Path:
        """The result of BUILDER for ARGV (without --out), by NAME."""
        out = self.directory / name
        if not out.exists():
            self.run(builder, *argv, "--out", out)
        return out

    def refused(self, builder: str, *argv: object, status: int = 1, **how: Any) -> str:
        """The error line of BUILDER for ARGV (without --out), which ends with STATUS and leaves no files behind."""
        before = sorted(os.listdir(self.directory))
        done = self._builder(builder, *argv, "--out", self.directory / "refused", **how)
        assert sorted(os.listdir(self.directory)) == before
        return error_line(done, builder, status)

    def run(self, builder: str, *argv: object) -> str:
        """The output of BUILDER, which must succeed and print nothing on standard error."""
        done = self._builder(builder, *argv)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout
