"""Derivations (.drv files): what was built from what. The format is described in Nix's manual, "Derivation ATerm format"."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laminix.errors import LaminixError
from laminix.regular_file import read_regular_file

BAD_DERIVATION = "bad derivation"
# Strings have JSON's escapes, so only the parentheses outside of them differ from JSON.
STRING_OR_PARENTHESIS = re.compile(r'"(?:[^"\\]|\\.)*"|[()]', re.DOTALL)
JSON_BRACKETS = {"(": "[", ")": "]"}


@dataclass(frozen=True)
class Output:
    """An output of a derivation."""

    path: str  # empty if only the build tells, as with floating content-addressed derivations
    digest: str | None  # sha256:HEX (or another SHA) of a fixed output: of its NAR, or of the file that it is


@dataclass(frozen=True)
class Derivation:
    """A derivation and what it is built from."""

    path: str  # of the .drv file
    outputs: Mapping[str, Output]  # by name
    inputs: Mapping[str, tuple[str, ...]]  # names of the outputs that are used, by path of the .drv file
    sources: tuple[str, ...]  # store paths that no derivation builds


def read_derivations(paths: Iterable[str]) -> dict[str, Derivation]:
    """Return the derivations at PATHS and all that they are built with, by path.

    Raises LaminixError for a file that is none.
    """
    found: dict[str, Derivation] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = parse_derivation(read_regular_file(path), path)
            waiting += found[path].inputs
    return found


def parse_derivation(data: bytes, path: str) -> Derivation:
    """Return the derivation in DATA, the content of the .drv file at PATH. Raises LaminixError for anything else."""
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("DrvWithVersion"):
        raise LaminixError(BAD_DERIVATION, "found a dynamic derivation, whose inputs only its build tells", path)
    as_json = STRING_OR_PARENTHESIS.sub(lambda found: JSON_BRACKETS.get(found[0], found[0]), text)
    try:
        outputs, inputs, sources, *_ = json.loads(as_json.removeprefix("Derive"), strict=False)
        return Derivation(
            path,
            {name: Output(place, _digest(method, content)) for name, place, method, content in outputs},
            {derivation: tuple(names) for derivation, names in inputs},
            tuple(sources),
        )
    except (ValueError, TypeError, RecursionError):
        raise LaminixError(BAD_DERIVATION, "not a derivation: expected Derive(…)", path) from None


def _digest(method: str, content: str) -> str | None:
    algorithm = method.rpartition(":")[2]
    return f"{algorithm}:{content}" if algorithm.startswith("sha") and content else None
