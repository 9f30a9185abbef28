"""umoci, which unpacks an OCI layout to a bundle, and runc, which runs that."""

import itertools
import json
import os
import shutil

from engines.program import Ran, output, run

NEEDS = ("umoci", "runc")


class Umoci:
    """umoci and runc with their state in DIRECTORY."""

    def __init__(self, directory: str):
        self.directory = directory
        self._numbers = itertools.count()

    def unpack(self, image: str) -> str:
        """The directory of the bundle made from IMAGE (LAYOUT:TAG); umoci checks digests and diff IDs."""
        bundle = f"{self.directory}/bundle{next(self._numbers)}"
        output("umoci", "unpack", "--image", image, bundle)
        return bundle

    def run(self, image: str, *argv: str) -> Ran:
        """The end of a container made from IMAGE (LAYOUT:TAG) that runs ARGV, or else what the image says."""
        bundle = self.unpack(image)
        _prepare(f"{bundle}/config.json", argv)
        container = f"lx-{os.getpid()}-{next(self._numbers)}"
        try:
            return run("runc", "--root", f"{self.directory}/runc", "run", "--bundle", bundle, container)
        finally:
            shutil.rmtree(bundle)


def _prepare(config_file: str, argv: tuple[str, ...]) -> None:
    """Change what a bundle runs, which has no terminal to run it on."""
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    config["process"]["terminal"] = False
    if argv:
        config["process"]["args"] = list(argv)
    with open(config_file, "w", encoding="utf-8") as file:
        json.dump(config, file)
