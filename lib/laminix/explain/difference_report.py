"""A difference as a report for people, and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from laminix import strict_json
from laminix.errors import shown
from laminix.explain.difference import Cause, Difference
from laminix.explain.file_changes import FileChange
from laminix.explain.package_changes import ADDED, REBUILT, REMOVED, VERSION, PackageChange
from laminix.explain.report import MOST_ROWS, names_of, some
from laminix.human_size import human_size
from laminix.images.image import Image, StoredLayer
from laminix.sections import Section

KINDS = (VERSION, ADDED, REMOVED, REBUILT)  # in the order of the report
WIDEST = 60  # characters of a config value
UNREAD = "Layers were not read, so packages are not compared."


def sections(difference: Difference) -> list[Section]:
    """DIFFERENCE as a report."""
    result = [_summary(difference)]
    if not difference.alike:
        result += [_causes(difference), _packages(difference), _layers(difference), _config(difference)]
    if difference.files is not None:
        result.append(_files(difference.files))
    if difference.new_explanation is None:
        result.append(Section(lines=[UNREAD]))
    return result


def title(image: Image) -> str:
    """What IMAGE is called."""
    return ", ".join(str(reference) for reference in image.references) or "an image without a name"


def _summary(difference: Difference) -> Section:
    heading = f"{title(difference.old)} → {title(difference.new)}"
    if difference.alike:
        return Section(heading, lines=["The images are alike."])
    count, total = len(difference.added), len(difference.new.layers)
    size = human_size(sum(layer.size for layer in difference.new.layers))
    lines = [
        f"A machine with the old image downloads {human_size(difference.download)} of {size}",
        f"{count} of {total} layers are new, {total - count} are reused, {len(difference.removed)} are removed",
    ]
    return Section(heading, lines=lines)


def _causes(difference: Difference) -> Section:
    rows = [_cause(difference, cause) for cause in difference.causes]
    outside, regrouped = difference.unexplained
    for layers, text in ((outside, "files outside the store"), (regrouped, "another grouping of the same store paths")):
        if layers:
            rows.append((text, str(len(layers)), human_size(difference.size(layers)), ""))
    lines = [f"and {len(rows) - MOST_ROWS} more"] if len(rows) > MOST_ROWS else []
    if sum(len(cause.layers) for cause in difference.causes) > len(difference.added):
        lines.append("A layer with several causes counts for each of them")
    columns = ("CAUSE", "LAYERS", "DOWNLOAD", "BECAUSE")
    return Section("Causes" if rows else "", columns, rows[:MOST_ROWS], (1, 2), lines)


def _cause(difference: Difference, cause: Cause) -> tuple[str, ...]:
    names = names_of(difference.new_explanation.graph.sizes)
    others = [path for path in cause.affected if path != cause.change.new]
    because = f"{some(names[path] for path in others)} refer to it" if others else ""
    if len(others) == 1:
        because = f"{names[others[0]]} refers to it"
    return describe(cause.change), str(len(cause.layers)), human_size(cause.size), because


def describe(change: PackageChange) -> str:
    """CHANGE in words, such as ``openssl 3.5.1 → 3.5.2``."""
    if change.kind == VERSION:
        return f"{change.name} {change.old_version or 'without version'} → {change.new_version or 'without version'}"
    version = change.old_version if change.new is None else change.new_version
    return " ".join(filter(None, (change.name, version, change.kind)))


def _packages(difference: Difference) -> Section:
    changes = sorted(difference.packages, key=lambda change: KINDS.index(change.kind))
    rows = [_package(difference, change) for change in changes[:MOST_ROWS]]
    lines = [f"and {len(changes) - MOST_ROWS} more"] if len(changes) > MOST_ROWS else []
    columns = ("PACKAGE", "CHANGE", "OLD", "NEW", "SIZE", "GROWTH", "CAUSED BY")
    return Section("Packages" if rows else "", columns, rows, (4, 5), lines)


def _package(difference: Difference, change: PackageChange) -> tuple[str, ...]:
    old, new = _sizes(difference, change)
    origins = sorted(difference.causes_of.get(change.new, ()))
    names = names_of(difference.new_explanation.graph.sizes)
    growth = (new or 0) - (old or 0)
    sign = "-" if growth < 0 else "+"
    return (
        change.name,
        change.kind,
        change.old_version,
        change.new_version,
        human_size((old or 0) if new is None else new),
        f"{sign}{human_size(abs(growth))}" if growth else "",
        some(names[path] for path in origins if path != change.new),
    )


def _sizes(difference: Difference, change: PackageChange) -> tuple[int | None, int | None]:
    old, new = difference.old_explanation.graph.sizes, difference.new_explanation.graph.sizes
    return old[change.old] if change.old else None, new[change.new] if change.new else None


def _layers(difference: Difference) -> Section:
    explanation = difference.new_explanation
    rows = []
    for number in difference.added:
        layer, contents = difference.new.layers[number], ""
        if explanation is not None:
            names, sizes = names_of(explanation.graph.sizes), explanation.graph.sizes
            paths = explanation.contents[number].store_paths
            contents = some(names[path] for path in sorted(paths, key=lambda path: (-sizes[path], path)))
        rows.append((str(number), human_size(layer.size), layer.diff_id.partition(":")[2][:12], contents))
    columns = ("LAYER", "SIZE", "DIFF ID", "LARGEST STORE PATHS")
    return Section("New layers" if rows else "", columns, rows, (0, 1))


def _config(difference: Difference) -> Section:
    rows = [(change.path, _value(change.old), _value(change.new)) for change in difference.config]
    return Section("Config" if rows else "", ("FIELD", "OLD", "NEW"), rows)


def _value(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else strict_json.dumps(value).decode("utf-8", "replace").rstrip("\n")
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _files(files: Sequence[FileChange]) -> Section:
    rows = [
        (file.kind, _size(file.old_size), _size(file.new_size), ", ".join(file.what), f"/{shown(file.path)}")
        for file in files
    ]
    lines = [] if rows else ["No file differs."]
    return Section("Files", ("CHANGE", "OLD SIZE", "NEW SIZE", "WHAT", "FILE"), rows, (1, 2), lines)


def _size(size: int | None) -> str:
    return "" if size is None else human_size(size)


# JSON.


def to_json(difference: Difference) -> dict[str, Any]:
    """DIFFERENCE as a JSON object, without any limit of rows."""
    outside, regrouped = difference.unexplained
    read = difference.new_explanation is not None
    return {
        "alike": difference.alike,
        "old": _image_to_json(difference.old),
        "new": _image_to_json(difference.new),
        "download": difference.download,
        "layers": {
            "added": [_layer_to_json(difference.new.layers, number) for number in difference.added],
            "removed": [_layer_to_json(difference.old.layers, number) for number in difference.removed],
            "reused": [_layer_to_json(difference.new.layers, number) for number in sorted(difference.reused)],
        },
        "packages": [_package_to_json(difference, change) for change in difference.packages] if read else None,
        "causes": [_cause_to_json(cause) for cause in difference.causes] if read else None,
        "unexplained": {"outside": outside, "regrouped": regrouped} if read else None,
        "config": [change._asdict() for change in difference.config],
        "files": None if difference.files is None else [_file_to_json(file) for file in difference.files],
    }


def _image_to_json(image: Image) -> dict[str, Any]:
    size = sum(layer.size for layer in image.layers)
    return {"names": [str(reference) for reference in image.references], "layers": len(image.layers), "size": size}


def _layer_to_json(layers: Sequence[StoredLayer], number: int) -> dict[str, Any]:
    layer = layers[number]
    return {"index": number, "diffID": layer.diff_id, "digest": layer.digest, "size": layer.size}


def _package_to_json(difference: Difference, change: PackageChange) -> dict[str, Any]:
    old, new = _sizes(difference, change)
    return {
        "name": change.name,
        "change": change.kind,
        "oldVersion": change.old_version if change.old else None,
        "newVersion": change.new_version if change.new else None,
        "oldPath": change.old,
        "newPath": change.new,
        "oldSize": old,
        "newSize": new,
        "causes": sorted(difference.causes_of.get(change.new, ())),
    }


def _cause_to_json(cause: Cause) -> dict[str, Any]:
    return {
        "cause": describe(cause.change),
        "path": cause.change.new,
        "affected": list(cause.affected),
        "layers": list(cause.layers),
        "size": cause.size,
    }


def _file_to_json(file: FileChange) -> Mapping[str, Any]:
    return {
        "path": f"/{file.path.decode('utf-8', 'surrogateescape')}",
        "change": file.kind,
        "what": list(file.what),
        "oldSize": file.old_size,
        "newSize": file.new_size,
    }
