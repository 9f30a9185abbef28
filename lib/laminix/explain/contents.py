"""The contents of a layer: its entries, the store paths they belong to, and the store paths they mention.

Layers are read without checking their digests; verify-image does that.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from laminix.compression.uncompress import uncompressed
from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import stored_chunks
from laminix.images.layer_tar import is_tar
from laminix.layers.layer_directory import read_layer
from laminix.layers.recipe import check_inputs
from laminix.parallel.chunk_reader import ChunkReader
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.store.store_path import HASH_CHARACTERS, HASH_LENGTH
from laminix.tar.entries import DIRECTORY, SYMLINK, Entry, Owner, is_whiteout
from laminix.tar.reader import Content, read, read_file

WHAT = "bad layer"
HASH = rb"[%s]{%d}" % (HASH_CHARACTERS, HASH_LENGTH)


@dataclass
class Usage:
    """A number of files, and the bytes of their contents."""

    files: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        """Count one more file of SIZE bytes."""
        self.files += 1
        self.size += size


@dataclass(frozen=True)
class Contents:
    """The contents of one layer."""

    entries: list[Entry] | None  # in the layer's order; None if only its list of store paths was read
    store_paths: dict[str, Usage]  # by path, in the order of their first entries
    outside: Usage  # files that belong to no store path; whiteouts are not counted
    mentions: dict[str, set[bytes]]  # by store path: the hash parts of the store paths its files mention
    root_mentions: dict[bytes, bytes]  # by hash part: the first file outside the store that mentions it


class Stores:
    """The store directories of an image: which store path a file belongs to, and which ones a text mentions."""

    def __init__(self, directories: Iterable[str]):
        names = sorted({os.fsencode(directory).strip(b"/") for directory in directories} - {b""})
        places = b"|".join(map(re.escape, names))
        self._owner = re.compile(rb"(?:%s)/%s-[^/]+" % (places, HASH)).match
        self._prefixes = tuple(name + b"/" for name in names)
        self._needles = tuple(b"/" + name + b"/" for name in names)
        self._mention = re.compile(rb"/(?:%s)/(%s)-" % (places, HASH))
        self.overlap = max(map(len, self._needles)) + HASH_LENGTH  # bytes of the longest mention, less one

    def owner(self, path: bytes) -> bytes | None:
        """The store path that the entry at PATH belongs to, relative like PATH; None outside the store."""
        match = self._owner(path) if path.startswith(self._prefixes) else None
        return match and match[0]

    def mentions(self, text: bytes) -> set[bytes]:
        """The hash parts of the store paths that TEXT mentions by their whole names."""
        # The search for a fixed text is several times faster than the one for a pattern.
        if any(needle in text for needle in self._needles):
            return set(self._mention.findall(text))
        return set()


def recipe_of(layer: StoredLayer) -> tuple[str, ...] | None:
    """The store paths in the recipe of LAYER; None if it has a blob, and if it has copies out of the store as well.

    Raises LaminixError if it has neither, and for a recipe that names a path outside of the store.
    """
    if layer.recipe_directory is None:
        return None
    recipe = read_layer(layer.recipe_directory).recipe
    if recipe is None:
        raise LaminixError("no such blob", "the layer has neither its blob nor a recipe for it", layer.location)
    check_inputs(recipe, layer.recipe_directory)
    return None if recipe.copies else recipe.store_paths


def listed_contents(recipe: Iterable[str]) -> Contents:
    """The contents of the layer of RECIPE as far as its list of store paths tells them: without files."""
    return Contents(None, {path: Usage() for path in recipe}, Usage(), {}, {})


def read_contents(layer: StoredLayer, recipe: Iterable[str] | None, stores: Stores, known: Collection[str]) -> Contents:
    """The contents of LAYER, whose blob is read, or the store paths of its RECIPE.

    Files of store paths in KNOWN are not searched for mentions.  Raises LaminixError for a damaged layer.
    """
    contents = Contents([], {}, Usage(), {}, {})
    prefix, path, searched = b"\0", "", False
    for entry, content in members_of(layer, recipe):
        contents.entries.append(entry)
        # Most entries belong to the same store path as the one before.
        if not entry.path.startswith(prefix):
            owner = stores.owner(entry.path)
            prefix = owner + b"/" if owner and entry.type == DIRECTORY else b"\0"
            path = "/" + os.fsdecode(owner) if owner else ""
            searched = path not in known
        if entry.type == DIRECTORY or is_whiteout(entry.path):
            continue
        if not path:
            contents.outside.add(entry.size)
            for hash_part in _mentions(entry, content, stores):
                contents.root_mentions.setdefault(hash_part, entry.path)
            continue
        contents.store_paths.setdefault(path, Usage()).add(entry.size)
        if searched:
            contents.mentions.setdefault(path, set()).update(_mentions(entry, content, stores))
    return contents


def _mentions(entry: Entry, content: "Content | OpenFile", stores: Stores) -> set[bytes]:
    if entry.type == SYMLINK:
        return stores.mentions(entry.link)
    found: set[bytes] = set()
    if entry.size > stores.overlap:
        end = b""
        while chunk := content.read(CHUNK_SIZE):
            found |= stores.mentions(end + chunk if end else chunk)
            end = chunk[-stores.overlap :]
    return found


# Members of a layer, however it is stored.


class OpenFile(NamedTuple):
    """A file of a store path on disk, open until the next entry is asked for."""

    descriptor: int

    def read(self, size: int) -> bytes:
        """The next SIZE bytes, fewer at the end."""
        return os.read(self.descriptor, size)


def members_of(layer: StoredLayer, recipe: Iterable[str] | None) -> Iterator[tuple[Entry, Content | OpenFile]]:
    """The entries of LAYER in its order, each with its content, which need not be read.

    With RECIPE, store paths, a layer without a blob is read from these; owners and modes are then those
    without the recipe's ``perms``. Without it, the blob is made again.
    """
    if recipe is not None:
        yield from _recipe_members(recipe)
    elif is_tar(layer):
        with layer.open() as file:
            yield from read_file(file, WHAT, layer.location)
    else:
        stream = ChunkReader(uncompressed(stored_chunks(layer), layer.location))
        yield from read(stream, WHAT, layer.location)


def _recipe_members(store_paths: Iterable[str]) -> Iterator[tuple[Entry, OpenFile]]:
    # A third of the library, which images with blobs do not need.
    from laminix.layers.file_entries import EntryDefaults, read_entries
    from laminix.layers.layer_tree import layer_tree
    from laminix.layers.tree_walk import walk_tree

    defaults = EntryDefaults(Owner(), 1)
    for segment in walk_tree(layer_tree(store_paths=store_paths), defaults):
        for entry in read_entries(segment, defaults):
            yield entry, OpenFile(entry.source.descriptor if entry.source else -1)
