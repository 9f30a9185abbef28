"""The tar of a layer, made of the NARs of its store paths: the same bytes as of the paths on disk.

A NAR has the order of a layer, and a file's size before its content, so each NAR is read once and nothing is kept.
"""

from collections.abc import Iterable, Iterator, Mapping

from laminix.caches.cache import Nar
from laminix.compression.compressor import Compressor
from laminix.layers.file_entries import EntryDefaults, store_mode
from laminix.layers.layer_spec import LayerSpec
from laminix.layers.permission_rules import Rules
from laminix.layers.tree_walk import SYNTHESISED_MODE
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.store import nar_reader
from laminix.store.nar_reader import NarNode, nar_nodes
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry, layer_order
from laminix.tar.stream import tar_stream
from laminix.tar.writer import END

TYPES = {nar_reader.DIRECTORY: DIRECTORY, nar_reader.REGULAR: FILE, nar_reader.SYMLINK: SYMLINK}


def layer_of_nars(nars: Mapping[str, Nar], spec: LayerSpec, _: Compressor, __: int) -> Iterator[bytes]:
    """Yield the tar of SPEC in chunks, as ``layer_chunks`` does. NARS has the NAR of each of its store paths.

    SPEC has store paths only. Raises LaminixError for a NAR that is damaged or that a layer cannot contain.
    """
    rules = Rules(spec.perms)
    matched: set[int] = set()
    entries = _entries({path: nars[path] for path in spec.store_paths}, EntryDefaults(spec.owner, spec.mtime))
    yield from tar_stream(rules.apply(entries, matched), lambda: memoryview(bytearray(CHUNK_SIZE)))
    rules.check_all_matched(matched)
    yield END


def _entries(nars: Mapping[str, Nar], defaults: EntryDefaults) -> Iterator[Entry]:
    """Yield the entries of a layer with the store paths NARS, in the order of a layer."""
    seen: set[bytes] = set()
    by_name = {path.strip("/").encode(): nar for path, nar in nars.items()}
    for name in sorted(by_name, key=layer_order):
        for parent in _parents(name):
            if parent not in seen:
                seen.add(parent)
                yield Entry(parent, DIRECTORY, SYNTHESISED_MODE, *defaults)
        nar = by_name[name]
        for node in nar_nodes(nar.chunks(), nar.place, nar.size):
            yield _entry(name, node, defaults)


def _parents(path: bytes) -> Iterable[bytes]:
    """Return the directories above PATH, the top one first."""
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def _entry(prefix: bytes, node: NarNode, defaults: EntryDefaults) -> Entry:
    """Return the entry of NODE in the NAR of the store path at PREFIX."""
    path, type = prefix + b"/" + node.path if node.path else prefix, TYPES[node.type]
    mode = store_mode(type, node.executable)
    return Entry(path, type, mode, *defaults, node.size, node.target, source=node.content)
