"""Pack a layer spec into the bytes of a tar."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from laminix.compression.compressor import Compressor
from laminix.layers.file_entries import EntryDefaults, NameRun, Segment, read_entries
from laminix.layers.layer_spec import LayerSpec
from laminix.layers.layer_tree import layer_tree
from laminix.layers.permission_rules import Rules
from laminix.layers.tree_walk import walk_tree
from laminix.parallel.ordered_workers import NewChunk, chunks_in_order
from laminix.tar.stream import tar_stream
from laminix.tar.writer import END

ENTRIES_PER_JOB = 256  # approximate; enough to fill one or a few chunks


def layer_chunks(spec: LayerSpec, compressor: Compressor, cores: int) -> Iterator[bytes]:
    """Yield the tar of SPEC in chunks, using up to CORES processes if COMPRESSOR is none.

    Without compression, a chunk is valid only until the next is requested. Raises LaminixError for a file that
    cannot be packed.
    """
    # Compression takes so much longer than packing that more processes would not help.
    processes = cores if compressor.name == "none" else 1
    rules = Rules(spec.perms) if spec.perms is not None else None
    defaults = EntryDefaults(spec.owner, spec.mtime)
    tree = layer_tree(spec.copies, spec.store_paths, spec.removed, spec.files)
    matched: set[int] = set()
    batches = _batches(walk_tree(tree, defaults))
    yield from chunks_in_order(partial(_chunks, defaults, rules), batches, processes, matched.update)
    if rules is not None:
        rules.check_all_matched(matched)
    yield END


def _batches(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """Yield SEGMENTS in lists, each with about ENTRIES_PER_JOB entries."""
    batch: list[Segment] = []
    size = 0
    for segment in segments:
        batch.append(segment)
        size += len(segment.names) if isinstance(segment, NameRun) else 1
        if size >= ENTRIES_PER_JOB:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _chunks(defaults: EntryDefaults, rules: Rules | None, batch: list[Segment], new_chunk: NewChunk):
    """Yield the tar of the segments in BATCH in chunks; return the numbers of the rules that matched."""
    matched: set[int] = set()
    entries = chain.from_iterable(read_entries(segment, defaults) for segment in batch)
    yield from tar_stream(rules.apply(entries, matched) if rules else entries, new_chunk)
    return matched
