"""Store paths that a layer's recipe needs and this machine lacks, from the caches that Nix is set up to use."""

import os
import subprocess
import threading

from laminix.errors import LaminixError, one_line
from laminix.images.image import StoredLayer
from laminix.layers.layer_directory import read_layer
from laminix.layers.recipe import check_inputs

PROGRAM = "nix-store"


class Realiser:
    """Realises the store paths of recipes, one call at a time: a path that Nix still unpacks exists already."""

    def __init__(self):
        self._one_at_a_time = threading.Lock()

    def realise(self, layer: StoredLayer) -> None:
        """Have Nix realise the store paths that the recipe of LAYER names and the store lacks, in one call.

        Raises LaminixError if Nix cannot, and for a recipe that names other paths than store paths.
        """
        recipe = read_layer(layer.recipe_directory).recipe
        if recipe is None:
            return
        check_inputs(recipe, layer.location)
        with self._one_at_a_time:
            missing = [path for path in recipe.inputs() if not os.path.lexists(path)]
            if missing:
                _realise(missing)


def _realise(paths: list[str]) -> None:
    try:
        done = subprocess.run([PROGRAM, "--realise", *paths], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise LaminixError("cannot realise", f"{PROGRAM}: {error.strerror}", paths[0]) from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"{PROGRAM} ended with status {done.returncode}"]
        raise LaminixError("cannot realise", one_line(said[-1].removeprefix("error: ")), paths[0])
