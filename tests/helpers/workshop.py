"""A place where tests have the builders make layers and images, each once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from members import Members, write_directory


class Workshop:
    """What the builders made in DIRECTORY, by name; a name asked for again is not made again."""

    def __init__(self, builder: Callable, directory: Path):
        self._builder = builder
        self.directory = directory

    def layer(self, name: str, members: Members, *options: str) -> Path:
        """The layer directory NAME, with MEMBERS."""
        tree = self.directory / f"{name}.tree"
        if not tree.exists():
            write_directory(str(tree), members)
        return self.build(f"{name}.layer", "mk-layer", "--copy", tree, *options)

    def image(self, name: str, config: dict[str, Any], *layers: Path) -> Path:
        """The image directory of NAME:latest, made of LAYERS, base layer first."""
        config_file = self.directory / f"{name}.config.json"
        config_file.write_text(json.dumps(config))
        options = [word for layer in layers for word in ("--layer", layer)]
        return self.build(f"{name}.image", "mk-image", "--name", name, "--config", config_file, *options)

    def packed(self, image: Path, form: str) -> Path:
        """An image in another FORM."""
        return self.build(f"{image.name}.{form}", "pack-image", image, "--format", form)

    def layers(self, image: object, *options: str) -> list[dict[str, Any]]:
        """What list-layers says of an image in any form."""
        return json.loads(self.run("list-layers", "--json", image, *options))

    def diff_ids(self, image: object, *options: str) -> list[str]:
        """The diff IDs of an image's layers."""
        return [layer["diffID"] for layer in self.layers(image, *options)]

    def build(self, name: str, builder: str, *argv: object) -> Path:
        """What BUILDER makes of ARGV, which has no --out."""
        out = self.directory / name
        if not out.exists():
            self.run(builder, *argv, "--out", out)
        return out

    def run(self, builder: str, *argv: object) -> str:
        """What BUILDER prints; it has to succeed without a word on standard error."""
        done = self._builder(builder, *argv)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout
