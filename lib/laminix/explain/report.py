"""An explanation as a report for people, and as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from laminix.errors import shown
from laminix.explain.duplicates import Duplicate
from laminix.explain.explanation import Explanation
from laminix.human_size import human_size
from laminix.sections import Section
from laminix.store.store_path import full_name, split_version

NAMED = 3  # store paths that the table of layers names
MOST_ROWS = 30  # of a table in a report; JSON has all
SEARCHED = "References were found by searching files for store paths; compressed ones stay hidden. --closure gives all."


def sections(explanation: Explanation, largest: int, copies: Sequence[Duplicate] | None) -> list[Section]:
    """EXPLANATION as a report, with the LARGEST files, and with COPIES if they were looked for."""
    result = [_summary(explanation), _layers(explanation), _store_paths(explanation)]
    result += [_outside(explanation), _hidden(explanation)]
    if largest:
        result.append(files_section(_largest(explanation, largest), "Largest files"))
    if copies is not None:
        result.append(_duplicates(copies))
    if explanation.searched:
        result.append(Section(lines=[SEARCHED]))
    return result


def names_of(paths: Iterable[str]) -> dict[str, str]:
    """A short name for each store path: without the hash part, which stays where two would be called alike."""
    names = {path: full_name(path) for path in paths}
    counts = Counter(names.values())
    return {path: name if counts[name] == 1 else path[path.rfind("/") + 1 :] for path, name in names.items()}


def _summary(explanation: Explanation) -> Section:
    image = explanation.image
    name = ", ".join(str(reference) for reference in image.references) or "an image without a name"
    stored = human_size(sum(layer.size for layer in image.layers))
    paths = explanation.graph.sizes
    line = (
        f"{len(image.layers)} layers, {stored} as stored; {len(paths)} store paths, {human_size(sum(paths.values()))}"
    )
    return Section(f"{name} ({image.config.platform})", lines=[line])


def _layers(explanation: Explanation) -> Section:
    names = names_of(explanation.graph.sizes)
    hidden = _hidden_sizes(explanation)
    rows = []
    for number, (layer, contents) in enumerate(zip(explanation.image.layers, explanation.contents)):
        paths = sorted(contents.store_paths, key=lambda path: (-explanation.graph.sizes[path], path))
        rows.append(
            (
                str(number),
                human_size(layer.size),
                str(len(paths)),
                human_size(contents.outside.size),
                human_size(hidden[number]),
                some(names[path] for path in paths),
            )
        )
    return Section("Layers", ("LAYER", "SIZE", "PATHS", "OUTSIDE", "HIDDEN", "LARGEST STORE PATHS"), rows, range(5))


def some(names: Iterable[str]) -> str:
    """The first few of NAMES, and how many more there are."""
    first = list(names)
    more = len(first) - NAMED
    return ", ".join(first[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _hidden_sizes(explanation: Explanation) -> Counter[int]:
    sizes: Counter[int] = Counter()
    for file in explanation.hidden:
        sizes[file.layer] += file.size
    return sizes


def _store_paths(explanation: Explanation) -> Section:
    sizes, names = explanation.graph.sizes, names_of(explanation.graph.sizes)
    by_size = sorted(sizes, key=lambda path: (-sizes[path], path))
    rows = [
        (
            names[path],
            human_size(sizes[path]),
            human_size(explanation.closure_size(path)),
            human_size(explanation.freed[path]),
            ", ".join(map(str, explanation.layers_of[path])),
            _reason(explanation, path, names),
        )
        for path in by_size[:MOST_ROWS]
    ]
    columns = ("STORE PATH", "SIZE", "CLOSURE", "FREES", "LAYER", "NEEDED BY")
    lines = more(len(by_size), sum(sizes[path] for path in by_size[MOST_ROWS:]))
    return Section("Store paths" if rows else "", columns, rows, range(1, 5), lines)


def more(count: int, size: int) -> list[str]:
    """The line that says how many rows a table leaves out, and their bytes."""
    return [f"and {count - MOST_ROWS} more, {human_size(size)}"] if count > MOST_ROWS else []


def _reason(explanation: Explanation, path: str, names: Mapping[str, str]) -> str:
    reason = explanation.reasons.by_path[path]
    return names[reason.referrer] if reason.referrer else reason.root


def _outside(explanation: Explanation) -> Section:
    files = sum(contents.outside.files for contents in explanation.contents)
    size = sum(contents.outside.size for contents in explanation.contents)
    return Section(lines=[f"Outside the store: {files} files, {human_size(size)}"])


def _hidden(explanation: Explanation) -> Section:
    files = sorted(explanation.hidden, key=lambda file: (-file.size, file))
    rows = [(human_size(file.size), str(file.layer), f"/{shown(file.path)}") for file in files[:MOST_ROWS]]
    lines = more(len(files), sum(file.size for file in files[MOST_ROWS:]))
    heading = "Hidden files: a later layer replaces or deletes them" if rows else ""
    return Section(heading, ("SIZE", "LAYER", "FILE"), rows, (0, 1), lines)


def _largest(explanation: Explanation, count: int) -> list[tuple[int, bytes, int]]:
    return sorted(explanation.files(), key=lambda file: (-file[2], file))[:count]


def files_section(files: Iterable[tuple[int, bytes, int]], heading: str = "") -> Section:
    """FILES (layer, path, size in bytes) as a table."""
    rows = [(human_size(size), str(layer), f"/{shown(path)}") for layer, path, size in files]
    return Section(heading if rows else "", ("SIZE", "LAYER", "FILE"), rows, (0, 1))


def _duplicates(copies: Sequence[Duplicate]) -> Section:
    rows = [
        (
            human_size(copy.wasted),
            human_size(copy.size),
            str(len(copy.places)),
            some(f"/{shown(path)} in layer {layer}" for layer, path in copy.places),
        )
        for copy in copies[:MOST_ROWS]
    ]
    lines = more(len(copies), sum(copy.wasted for copy in copies[MOST_ROWS:])) if rows else ["No file occurs twice."]
    return Section("Files with the same content", ("WASTED", "SIZE", "COPIES", "FILES"), rows, range(3), lines)


# JSON.


def to_json(explanation: Explanation, largest: int, copies: Sequence[Duplicate] | None) -> dict[str, Any]:
    """EXPLANATION as a JSON object, with everything the report has, and no limit of rows."""
    image = explanation.image
    hidden = _hidden_sizes(explanation)
    return {
        "names": [str(reference) for reference in image.references],
        "platform": str(image.config.platform),
        "size": sum(layer.size for layer in image.layers),
        "layers": [
            {
                "index": number,
                "diffID": layer.diff_id,
                "digest": layer.digest,
                "size": layer.size,
                "storePaths": list(contents.store_paths),
                "outside": {"files": contents.outside.files, "size": contents.outside.size},
                "hiddenSize": hidden[number],
            }
            for number, (layer, contents) in enumerate(zip(image.layers, explanation.contents))
        ],
        "references": "searched" if explanation.searched else "closure",
        "storePaths": [_store_path_to_json(explanation, path) for path in sorted(explanation.graph.sizes)],
        "hidden": [file_to_json(file.layer, file.path, file.size) for file in explanation.hidden],
        "largest": [file_to_json(*file) for file in _largest(explanation, largest)],
        "duplicates": None if copies is None else [_duplicate_to_json(copy) for copy in copies],
    }


def _store_path_to_json(explanation: Explanation, path: str) -> dict[str, Any]:
    name, version = split_version(full_name(path))
    reason = explanation.reasons.by_path[path]
    return {
        "path": path,
        "name": name,
        "version": version,
        "size": explanation.graph.sizes[path],
        "closureSize": explanation.closure_size(path),
        "freedSize": explanation.freed[path],
        "layers": explanation.layers_of[path],
        "references": list(explanation.graph.references[path]),
        "referrer": reason.referrer,
        "root": reason.root,
    }


def file_to_json(layer: int, path: bytes, size: int) -> dict[str, Any]:
    """A file of an image as a JSON object."""
    return {"layer": layer, "path": f"/{path.decode('utf-8', 'surrogateescape')}", "size": size}


def _duplicate_to_json(copy: Duplicate) -> dict[str, Any]:
    places = [{"layer": layer, "path": f"/{path.decode('utf-8', 'surrogateescape')}"} for layer, path in copy.places]
    return {"size": copy.size, "wasted": copy.wasted, "files": places}
