"""What an image mentions outside its store paths: in its config, and in the other files of its layers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminix.errors import shown
from laminix.explain.contents import Contents, Stores
from laminix.images.oci import Config
from laminix.store.store_path import HASH_LENGTH


def find_roots(
    config: Config, contents: Iterable[Contents], stores: Stores, by_hash: Mapping[bytes, str]
) -> dict[str, str]:
    """The store paths that the config or files outside the store mention, each with the first such place.

    BY_HASH are the store paths of the image by the hash parts of their names. The config comes first.
    """
    found: dict[str, str] = {}
    for place, text in _texts(config.runtime, "config"):
        for hash_part in sorted(stores.mentions(text.encode("utf-8", "surrogateescape"))):
            if hash_part in by_hash:
                found.setdefault(by_hash[hash_part], place)
    for layer in contents:
        for hash_part, file in sorted(layer.root_mentions.items(), key=lambda mention: mention[1]):
            if hash_part in by_hash:
                found.setdefault(by_hash[hash_part], f"/{shown(file)}")
    return found


def hash_part(path: str) -> bytes:
    """The hash part of the name of store path PATH."""
    return path[path.rfind("/") + 1 :][:HASH_LENGTH].encode()


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All strings in VALUE, keys included, each with its JSON path."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield f"{place}.{key}", key
            yield from _texts(member, f"{place}.{key}")
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield from _texts(element, f"{place}[{number}]")
