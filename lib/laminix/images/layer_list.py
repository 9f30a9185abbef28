"""An image's layers as a list: JSON for programs, a table for people."""

from typing import Any

from laminix import strict_json
from laminix.errors import one_line
from laminix.human_size import human_size
from laminix.images.image import Image
from laminix.images.oci import layer_history
from laminix.table import aligned

HEADINGS = ("LAYER", "SIZE", "DIFF ID", "COMPRESSION", "CREATED BY")
NUMBERS = (0, 1)  # columns that line up at the right
WIDEST = 60  # characters of what made a layer


def as_json(image: Image) -> str:
    """The layers as a JSON array, base layer first; ``history`` is null where its entries do not fit them."""
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


def as_table(image: Image) -> str:
    """The layers as a table, base layer first."""
    history = layer_history(image.config) or [{}] * len(image.layers)
    rows = [
        (human_size(layer.size), _short(layer.diff_id), _compression(layer.media_type), _maker(entry))
        for layer, entry in zip(image.layers, history)
    ]
    return aligned([HEADINGS, *((str(index), *row) for index, row in enumerate(rows))], NUMBERS)


def _short(digest: str) -> str:
    return digest.partition(":")[2][:12]


def _compression(media_type: str) -> str:
    _, plus, suffix = media_type.rpartition("+")
    if plus:
        return suffix
    return "gzip" if media_type.endswith(".gzip") else "none"


def _maker(entry: dict[str, Any]) -> str:
    maker, comment = entry.get("created_by") or "", entry.get("comment") or ""
    # A builder's name alone says little; a whole command says enough.
    text = one_line(maker if " " in maker else ": ".join(filter(None, (maker, comment))))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
