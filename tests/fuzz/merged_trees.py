#!/usr/bin/env python3
"""Put generated images on generated parents, and compare the merged trees with what umoci unpacks (as root)."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent / "lib"), str(TESTS / "helpers")]

import generated_children  # noqa: E402
from children import layer_tars  # noqa: E402
from engines.umoci import Umoci  # noqa: E402
from layer_notation import tree  # noqa: E402


def compare(number: int, directory: str) -> str:
    """Return "agrees", "refused", or what differs in case NUMBER. DIRECTORY is empty."""
    case = generated_children.generate(number)
    try:
        images = generated_children.merged(case, directory)
    except AssertionError as error:
        return str(error)
    if images is None:
        return "refused"
    umoci = Umoci(directory)
    trees = [tree(layer_tars(image)) for image in images]
    if trees[0] != trees[1]:
        return f"--skip-existing gives another tree: {differences(*trees)}"
    for image in images:
        on_disk = generated_children.tree_on_disk(umoci.unpack(f"{image}:v1") + "/rootfs")
        if on_disk != trees[0]:
            return f"umoci unpacks another tree: {differences(trees[0], on_disk)}"
    return "; ".join(generated_children.faults(case, images[0])) or "agrees"


def differences(one: dict[str, str], other: dict[str, str]) -> str:
    """Return the paths at which two trees differ, with both values."""
    paths = sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
    return ", ".join(f"{path}: {one.get(path)} and {other.get(path)}" for path in paths)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500, help="Compare this many cases (default %(default)s).")
    parser.add_argument("--first", type=int, default=0, help="Start with this case (default %(default)s).")
    options = parser.parse_args()
    counts = {"agrees": 0, "refused": 0, "differs": 0}
    for number in range(options.first, options.first + options.cases):
        directory = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        result = compare(number, directory)
        shutil.rmtree(directory)
        if result not in counts:
            print(f"case {number}: {result}", flush=True)
        counts[result if result in counts else "differs"] += 1
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
