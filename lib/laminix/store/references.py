"""Find the store paths that files mention, by the hashes of the paths, as Nix finds references."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from laminix.directory_trees import walk
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.store.closure import StorePath
from laminix.store.store_path import HASH_CHARACTERS, HASH_LENGTH

RUN = re.compile(rb"[%s]{%d,}" % (HASH_CHARACTERS, HASH_LENGTH))


def find_mentioned(closure: Sequence[StorePath], paths: Iterable[str]) -> tuple[StorePath, ...]:
    """Return the store paths of CLOSURE that files at PATHS mention, and all their references, in CLOSURE's order.

    PATHS are files and directories. The contents of files and the targets of links are searched without
    decompression, so hashes in compressed files are not found.
    """
    by_hash = {_hash(item.path): item for item in closure}
    found: set[bytes] = set()
    for path in paths:
        for text in _texts(os.fsencode(path)):
            found.update(hashes(text, by_hash.keys()))
    reached = _closure_of({by_hash[each].path for each in found}, {item.path: item for item in closure})
    return tuple(item for item in closure if item.path in reached)


def hashes(text: bytes, known: Collection[bytes]) -> set[bytes]:
    """Return the hashes in KNOWN that occur in TEXT."""
    found = set()
    for run in RUN.findall(text):
        # A run may be longer than a hash, so a hash may start anywhere in it.
        for start in range(len(run) - HASH_LENGTH + 1):
            candidate = run[start : start + HASH_LENGTH]
            if candidate in known:
                found.add(candidate)
    return found


def _hash(path: str) -> bytes:
    return os.fsencode(os.path.basename(path))[:HASH_LENGTH]


def _closure_of(paths: set[str], by_path: dict[str, StorePath]) -> set[str]:
    """Return PATHS and all paths that are reachable from them through references."""
    reached, todo = set(paths), list(paths)
    while todo:
        new = set(by_path[todo.pop()].references) - reached
        reached |= new
        todo += new
    return reached


def _texts(path: bytes) -> Iterator[bytes]:
    """Yield the contents of files and the targets of links at or below PATH. No hash is split between two chunks."""
    if os.path.islink(path) or not os.path.isdir(path):
        yield from _text(path)
        return
    for entry in walk(path):
        if not entry.is_dir(follow_symlinks=False):
            yield from _text(entry.path)


def _text(path: bytes) -> Iterator[bytes]:
    if os.path.islink(path):
        yield os.readlink(path)
    elif os.path.isfile(path):
        yield from _overlapping_chunks(path)


def _overlapping_chunks(path: bytes) -> Iterator[bytes]:
    """Yield the content of a file in chunks. Each repeats the end of the one before: a hash less one byte."""
    with open(path, "rb") as file:
        end = b""
        while chunk := file.read(CHUNK_SIZE):
            yield end + chunk
            end = (end + chunk)[1 - HASH_LENGTH :]
