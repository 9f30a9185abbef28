"""Which store paths files mention: by their hashes, as Nix itself finds references."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from laminix.store.closure import StorePath
from laminix.store.store_path import HASH_CHARACTERS, HASH_LENGTH
from laminix.parallel.chunks import CHUNK_SIZE

RUN = re.compile(rb"[%s]{%d,}" % (HASH_CHARACTERS, HASH_LENGTH))


def mentioned(closure: Sequence[StorePath], places: Iterable[str]) -> tuple[StorePath, ...]:
    """Those of the closure that files in PLACES mention, with all that these refer to, in the closure's order.

    Places are files and directories.  Contents and links' targets are looked at, as they are: what is
    compressed mentions nothing.
    """
    by_hash = {_hash(item.path): item for item in closure}
    found: set[bytes] = set()
    for place in places:
        for text in _texts(os.fsencode(place)):
            found.update(hashes(text, by_hash.keys()))
    reached = _closure_of({by_hash[each].path for each in found}, {item.path: item for item in closure})
    return tuple(item for item in closure if item.path in reached)


def hashes(text: bytes, known: Collection[bytes]) -> set[bytes]:
    """Those of the KNOWN hashes that stand in TEXT."""
    found = set()
    for run in RUN.findall(text):
        # Other letters of the alphabet may stand around a hash without a break.
        for start in range(len(run) - HASH_LENGTH + 1):
            candidate = run[start : start + HASH_LENGTH]
            if candidate in known:
                found.add(candidate)
    return found


def _hash(path: str) -> bytes:
    return os.fsencode(os.path.basename(path))[:HASH_LENGTH]


def _closure_of(paths: set[str], by_path: dict[str, StorePath]) -> set[str]:
    reached, todo = set(paths), list(paths)
    while todo:
        new = set(by_path[todo.pop()].references) - reached
        reached |= new
        todo += new
    return reached


def _texts(place: bytes) -> Iterator[bytes]:
    """What stands in the files and links at PLACE, in chunks that cut no hash in two."""
    if os.path.islink(place):
        yield os.readlink(place)
    elif os.path.isdir(place):
        for name in os.listdir(place):
            yield from _texts(os.path.join(place, name))
    elif os.path.isfile(place):
        yield from _chunks(place)


def _chunks(path: bytes) -> Iterator[bytes]:
    with open(path, "rb") as file:
        end = b""
        while chunk := file.read(CHUNK_SIZE):
            yield end + chunk
            end = (end + chunk)[1 - HASH_LENGTH :]
