"""What a layer is a function of, and the way from there to its layer directory."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from laminix.layers.blob_writer import write_blob
from laminix.compression.compressor import Compressor
from laminix.tar.entries import Owner
from laminix.errors import shown
from laminix.layers.layer_directory import Layer, write_layer
from laminix.layers.file_entries import Look, Part, Run, entries_of
from laminix.layers.permission_rules import Rules
from laminix.parallel.ordered_workers import NewPiece, produced
from laminix.progress import counted
from laminix.layers.layer_tree import layer_tree
from laminix.store.store_path import full_name
from laminix.strict_json import Value
from laminix.tar.stream import tar_stream
from laminix.tar.writer import END
from laminix.parallel.process_call import in_processes
from laminix.layers.tree_walk import parts

FORMAT = 1  # of the bytes: another number whenever the same recipe would give another tar
CREATED_BY = "mk-layer"
NAMES_IN_COMMENT = 5
AT_ONCE = 256  # entries that one process makes in a go


@dataclass(frozen=True)
class Packing:
    """What is packed, and how it looks in the tar."""

    store_paths: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()  # directory on disk, directory in the layer
    removed: tuple[str, ...] = ()  # paths of lower layers to hide
    perms: Value | None = None  # the document of --perms
    owner: Owner = Owner()
    mtime: int = 1  # seconds since the epoch


def tar_of(packing: Packing, compressor: Compressor, cores: int) -> Iterator[bytes]:
    """The layer's tar, in pieces, for COMPRESSOR, made on so many CORES.

    Where nothing is compressed, a piece is good until the next is asked for.
    Raises LaminixError for whatever cannot be packed.
    """
    # Compressing takes so much longer than all else that more processes would not help.
    processes = cores if compressor.name == "none" else 1
    rules = Rules(packing.perms) if packing.perms is not None else None
    look = Look(packing.owner, packing.mtime)
    tree = layer_tree(packing.copies, packing.store_paths, packing.removed)
    matched: set[int] = set()
    yield from produced(partial(_pieces, look, rules), _gathered(parts(tree, look)), processes, matched.update)
    if rules is not None:
        rules.check_all_matched(matched)
    yield END


def _gathered(found: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts FOUND, in lists of about as many entries as fill a piece or a few."""
    batch: list[Part] = []
    size = 0
    for part in found:
        batch.append(part)
        size += len(part.names) if isinstance(part, Run) else 1
        if size >= AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pieces(look: Look, rules: Rules | None, batch: list[Part], new_piece: NewPiece):
    """The pieces of the tar for the parts in BATCH; in the end returns which rules matched."""
    matched: set[int] = set()
    entries = chain.from_iterable(entries_of(part, look) for part in batch)
    yield from tar_stream(rules.apply(entries, matched) if rules else entries, new_piece)
    return matched


def make_layer(
    packing: Packing,
    compressor: Compressor,
    keep_blob: bool,
    directory: str,
    threads: int,
    watch: Callable[[Iterable[bytes]], Iterable[bytes]] = iter,
) -> Layer:
    """Fill DIRECTORY with the layer's blob (or only measure it) and its layer.json; returns what that says.

    WATCH sees the tar pass, in pieces.
    """
    tar = tar_of(packing, compressor, threads)
    blob = write_blob(watch(tar), compressor, directory if keep_blob else None, threads)
    layer = Layer(
        descriptor=blob.descriptor,
        diff_id=blob.diff_id,
        diff_size=blob.diff_size,
        blob=blob.file,
        recipe=_recipe(packing, compressor),
        store_paths=tuple(sorted(set(packing.store_paths))),
        history={"created_by": CREATED_BY, "comment": _comment(packing)},
    )
    write_layer(directory, layer)
    return layer


def make_layers(
    packings: Sequence[Packing], compressor: Compressor, keep_blobs: bool, directory: str, cores: int
) -> None:
    """Make a layer directory in DIRECTORY for each of PACKINGS, as many at a time as there are CORES.

    Their names are numbers of one length, so that the order of the names is that of the layers.
    """
    digits = max(3, len(str(len(packings))))
    jobs = []
    for index, packing in enumerate(packings):
        layer = os.path.join(directory, f"{index:0{digits}}")
        os.mkdir(layer)
        jobs.append((packing, compressor, keep_blobs, layer, max(1, cores // len(packings))))
    for _ in counted(in_processes(make_layer, jobs, cores), "packed layers", len(jobs)):
        pass


def _recipe(packing: Packing, compressor: Compressor) -> dict[str, Any] | None:
    """All that the blob is a function of, where that is store paths alone."""
    if packing.copies or packing.removed:
        return None
    owner = packing.owner
    return {
        "storePaths": sorted(set(packing.store_paths)),
        "perms": [] if packing.perms is None else packing.perms.raw,
        "uid": owner.uid,
        "gid": owner.gid,
        "uname": os.fsdecode(owner.uname),
        "gname": os.fsdecode(owner.gname),
        "mtime": packing.mtime,
        "compressor": compressor.name,
        "compressorVersion": compressor.version,
        "format": FORMAT,
    }


def _comment(packing: Packing) -> str:
    """What the layer has, for people; without hashes, since the image would refer to the store by them."""
    names = sorted(full_name(path) for path in set(packing.store_paths))
    if len(names) > NAMES_IN_COMMENT:
        names[NAMES_IN_COMMENT:] = [f"{len(names) - NAMES_IN_COMMENT} more"]
    copied = [f"files in {shown(destination)}" for _, destination in packing.copies]
    gone = [f"without {shown(path)}" for path in packing.removed]
    return ", ".join(names + copied + gone)
