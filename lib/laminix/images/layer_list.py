"""The list of an image's layers: JSON for programs, a table for people."""

from typing import Any

from laminix import strict_json
from laminix.errors import one_line
from laminix.human_size import human_size
from laminix.images.image import Image
from laminix.images.oci import layer_history
from laminix.table import aligned

HEADINGS = ("LAYER", "SIZE", "DIFF ID", "COMPRESSION", "CREATED BY")
NUMBERS = (0, 1)  # columns aligned at the right


def as_json(image: Image) -> str:
    """Return the layers as a JSON array, base layer first.

    ``history`` is null for all layers if the number of history entries differs from the number of layers.
    """
    history = layer_history(image.config) or [None] * len(image.layers)
    rows = [
        {
            "index": index,
            "diffID": layer.diff_id,
            "digest": layer.digest,
            "mediaType": layer.media_type,
            "size": layer.size,
            "location": layer.location,
            "history": entry,
        }
        for index, (layer, entry) in enumerate(zip(image.layers, history))
    ]
    return strict_json.dumps(rows).decode("utf-8", "surrogateescape")


def as_table(image: Image, width: int | None = None) -> str:
    """Return the layers as a table, base layer first, its lines cut to WIDTH characters."""
    history = layer_history(image.config) or [{}] * len(image.layers)
    rows = [
        (human_size(layer.size), _short(layer.diff_id), _compression(layer.media_type), _created_by(entry))
        for layer, entry in zip(image.layers, history)
    ]
    table = aligned([HEADINGS, *((str(index), *row) for index, row in enumerate(rows))], NUMBERS)
    return table if width is None else "".join(_cut(line, width) for line in table.splitlines())


def _cut(line: str, width: int) -> str:
    return f"{line if len(line) <= width else f'{line[: width - 1]}…'}\n"


def _short(digest: str) -> str:
    return digest.partition(":")[2][:12]


def _compression(media_type: str) -> str:
    _, plus, suffix = media_type.rpartition("+")
    if plus:
        return suffix
    return "gzip" if media_type.endswith(".gzip") else "none"


def _created_by(entry: dict[str, Any]) -> str:
    creator, comment = entry.get("created_by") or "", entry.get("comment") or ""
    # A command line explains itself; the bare name of a builder needs the comment.
    return one_line(creator if " " in creator else ": ".join(filter(None, (creator, comment))))
