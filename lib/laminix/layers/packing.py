"""From a layer spec to the bytes of the layer's tar."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from laminix.compression.compressor import Compressor
from laminix.layers.file_entries import EntryDefaults, NameRun, Part, read_entries
from laminix.layers.layer_spec import LayerSpec
from laminix.layers.layer_tree import layer_tree
from laminix.layers.permission_rules import Rules
from laminix.layers.tree_walk import parts
from laminix.parallel.ordered_workers import NewChunk, chunks_in_order
from laminix.tar.stream import tar_stream
from laminix.tar.writer import END

ENTRIES_PER_JOB = 256  # that one process makes at a time


def layer_chunks(spec: LayerSpec, compressor: Compressor, cores: int) -> Iterator[bytes]:
    """The layer's tar, in chunks, for COMPRESSOR, made on so many CORES.

    Where nothing is compressed, a chunk is good until the next is asked for.
    Raises LaminixError for whatever cannot be packed.
    """
    # Compressing takes so much longer than all else that more processes would not help.
    processes = cores if compressor.name == "none" else 1
    rules = Rules(spec.perms) if spec.perms is not None else None
    look = EntryDefaults(spec.owner, spec.mtime)
    tree = layer_tree(spec.copies, spec.store_paths, spec.removed)
    matched: set[int] = set()
    yield from chunks_in_order(partial(_chunks, look, rules), _gathered(parts(tree, look)), processes, matched.update)
    if rules is not None:
        rules.check_all_matched(matched)
    yield END


def _gathered(found: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts FOUND, in lists of about as many entries as fill a chunk or a few."""
    batch: list[Part] = []
    size = 0
    for part in found:
        batch.append(part)
        size += len(part.names) if isinstance(part, NameRun) else 1
        if size >= ENTRIES_PER_JOB:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _chunks(look: EntryDefaults, rules: Rules | None, batch: list[Part], new_chunk: NewChunk):
    """The chunks of the tar for the parts in BATCH; in the end returns which rules matched."""
    matched: set[int] = set()
    entries = chain.from_iterable(read_entries(part, look) for part in batch)
    yield from tar_stream(rules.apply(entries, matched) if rules else entries, new_chunk)
    return matched
