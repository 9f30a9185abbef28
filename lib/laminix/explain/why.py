"""Why a store path is in an image: the shortest chain of references to it, and what would leave with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laminix.errors import LaminixError
from laminix.explain.explanation import Explanation
from laminix.explain.graph import freed_with
from laminix.human_size import human_size
from laminix.sections import Section
from laminix.store.store_path import full_name, package_name

NAMED = 20  # store paths that a report lists of those that would leave


@dataclass(frozen=True)
class Answer:
    """Why one store path is in the image."""

    path: str
    size: int  # bytes
    layers: tuple[int, ...]
    root: str  # what mentions the first store path of the chain
    chain: tuple[str, ...]  # store paths, each referring to the next, PATH last
    referrers: tuple[str, ...]  # all store paths that refer to it, sorted
    leaving: Mapping[str, int]  # store paths that would leave the image with it, and their sizes


def why(explanation: Explanation, wanted: str) -> list[Answer]:
    """The answer for each store path that WANTED means: a path in the store, or a name with or without version.

    Raises LaminixError where the image has no such store path.
    """
    paths = explanation.graph.sizes
    found = [path for path in sorted(paths) if _means(wanted, path)]
    if not found:
        raise LaminixError("unknown store path", f"the image contains no store path {wanted!r}{_hint(wanted, paths)}")
    return [_answer(explanation, path) for path in found]


def _means(wanted: str, path: str) -> bool:
    name = full_name(path)
    in_path = wanted == path or wanted.startswith(path + "/")
    return in_path or wanted in (path[path.rfind("/") + 1 :], name, package_name(path))


def _hint(wanted: str, paths: Mapping[str, int]) -> str:
    import difflib  # only mistakes need it

    near = difflib.get_close_matches(wanted, sorted({package_name(path) for path in paths}), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _answer(explanation: Explanation, path: str) -> Answer:
    sizes = explanation.graph.sizes
    chain = explanation.reasons.chain(path)
    references = explanation.graph.references
    return Answer(
        path=path,
        size=sizes[path],
        layers=tuple(explanation.layers_of[path]),
        root=explanation.reasons.by_path[chain[0]].root,
        chain=tuple(chain),
        referrers=tuple(sorted(other for other, links in references.items() if path in links)),
        leaving={other: sizes[other] for other in freed_with(path, explanation.dominators)},
    )


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """ANSWER as a JSON object."""
    return {
        "path": answer.path,
        "size": answer.size,
        "layers": list(answer.layers),
        "root": answer.root,
        "chain": list(answer.chain),
        "referrers": list(answer.referrers),
        "leaving": [{"path": path, "size": size} for path, size in answer.leaving.items()],
        "freedSize": answer.size + sum(answer.leaving.values()),
    }


def answer_section(answer: Answer) -> Section:
    """ANSWER for people."""
    layers = ", ".join(map(str, answer.layers))
    chain = [f"{'  ' * depth}└ {path}" for depth, path in enumerate(answer.chain, 1)]
    count = len(answer.referrers)
    others = "1 store path refers to it" if count == 1 else f"{count or 'no'} store paths refer to it"
    freed = human_size(answer.size + sum(answer.leaving.values()))
    leaving = sorted(answer.leaving, key=lambda path: (-answer.leaving[path], path))
    lines = [
        f"  {answer.root}",
        *chain,
        f"{others}; without it the image would be {freed} smaller"
        + (f", without these store paths too ({len(leaving)}):" if leaving else ""),
        *(f"  {human_size(answer.leaving[path]):>10}  {path}" for path in leaving[:NAMED]),
    ]
    if len(leaving) > NAMED:
        lines.append(f"  and {len(leaving) - NAMED} more")
    return Section(f"{answer.path}: {human_size(answer.size)} in layer {layers}", lines=lines)
