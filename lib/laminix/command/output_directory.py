"""The options --out and --force of builders whose result is a directory, and what --force may replace.

A directory is replaced only if it is empty or has what a builder writes and nothing else, so that a mistyped path
costs no work. Trees and exported files have no mark by which to know them; their builders have no --force.
"""

import argparse
import contextlib
import os
import re

from laminix.errors import LaminixError, shown
from laminix.output import new_directory

# Results, each by a file that it always has: a pattern of the names that it may have.
RESULTS = {
    "layer.json": r"layer\.json|layer\.tar(\.gz|\.zst)?",
    "oci-layout": r"oci-layout|index\.json|blobs|layers",
    "unpacked.json": r"unpacked\.json|tree",
    "version": r"version|manifest\.json|[0-9a-f]{64}",  # skopeo's dir:
}
NUMBER = r"[0-9]{3,}"  # of a layer in a directory of layers


def add_output_directory(parser: argparse._ActionsContainer, what: str) -> None:
    """Declare --out and --force on PARSER for a result that is WHAT."""
    parser.add_argument(
        "--out", required=True, metavar="DIR", help=f"Create the {what} DIR. It must not exist (see --force)."
    )
    add_force(parser)


def add_force(parser: argparse._ActionsContainer) -> None:
    """Declare --force on PARSER."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="Replace an existing directory if it is empty or a layer or image that laminix wrote.",
    )


def output_directory(options: argparse.Namespace) -> contextlib.AbstractContextManager[str]:
    """Return the ``new_directory`` that --out and --force ask for."""
    return new_directory(options.out, refuse_irreplaceable if options.force else None)


def refuse_irreplaceable(out: str) -> None:
    """Raise LaminixError if OUT is something else than an empty directory or a result of a builder."""
    if os.path.islink(out.rstrip("/")) or not os.path.isdir(out):
        raise _irreplaceable("it is not a directory", out)
    names = sorted(os.listdir(out))
    mark = next((mark for mark in RESULTS if mark in names), None)
    if mark is not None:
        strange = [name for name in names if not re.fullmatch(RESULTS[mark], name)]
    else:
        strange = [name for name in names if not _is_numbered_layer(os.path.join(out, name))]
    if strange:
        raise _irreplaceable(f"it contains {shown(strange[0])!r}, which no builder has written", out)


def _is_numbered_layer(path: str) -> bool:
    if not re.fullmatch(NUMBER, os.path.basename(path)) or not os.path.isfile(os.path.join(path, "layer.json")):
        return False
    return all(re.fullmatch(RESULTS["layer.json"], name) for name in os.listdir(path))


def _irreplaceable(why: str, out: str) -> LaminixError:
    return LaminixError("cannot replace the output", f"{why}; remove it yourself or choose another path", out)
