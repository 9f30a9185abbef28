"""Make layer directories from layer specs, for mk-layer and mk-layers."""

import os
from collections.abc import Callable, Iterable, Sequence

from laminix.compression.compressor import NAMES, Compressor
from laminix.errors import shown
from laminix.layers.blob_writer import write_blob
from laminix.layers.layer_directory import CREATED_BY, REMOVED, Layer, layer_names, write_layer
from laminix.layers.layer_spec import LayerSpec
from laminix.layers.packing import layer_chunks
from laminix.layers.recipe import Recipe
from laminix.nix_store import lies_in_store
from laminix.parallel.process_call import map_in_processes
from laminix.progress import counted
from laminix.store.store_path import full_name

NAMES_IN_COMMENT = 5


def make_layer(
    spec: LayerSpec,
    compressor: Compressor,
    keep_blob: bool,
    directory: str,
    threads: int,
    watch: Callable[[Iterable[bytes]], Iterable[bytes]] = iter,
) -> Layer:
    """Write the blob and layer.json of a layer to DIRECTORY and return the layer.

    Without KEEP_BLOB, the blob is measured but not written. WATCH wraps the chunks of the tar, to report progress.
    """
    tar = layer_chunks(spec, compressor, threads)
    blob = write_blob(watch(tar), compressor, directory if keep_blob else None, threads)
    layer = Layer(
        descriptor=blob.descriptor,
        diff_id=blob.diff_id,
        diff_size=blob.diff_size,
        blob=blob.file,
        recipe=_recipe(spec, compressor, keep_blob),
        store_paths=tuple(sorted(set(spec.store_paths))),
        history={"created_by": CREATED_BY, "comment": _comment(spec)},
    )
    write_layer(directory, layer)
    return layer


def make_layers(
    specs: Sequence[LayerSpec], compressor: Compressor, keep_blobs: bool, directory: str, cores: int
) -> None:
    """Write a layer directory to DIRECTORY for each of SPECS, at most CORES at a time, lowest layer first."""
    jobs = []
    for name, spec in zip(layer_names(len(specs)), specs):
        layer = os.path.join(directory, name)
        os.mkdir(layer)
        jobs.append((spec, compressor, keep_blobs, layer, max(1, cores // len(specs))))
    for _ in counted(map_in_processes(make_layer, jobs, cores), "packed layers", len(jobs)):
        pass


def _recipe(spec: LayerSpec, compressor: Compressor, keep_blob: bool) -> Recipe | None:
    """Return the recipe of a layer of store paths with a built-in compressor; None for any other layer.

    Without a blob, the layer may also have copies out of the store. A blob has them already, and a recipe that names
    their sources would keep these alive. A recipe travels with the image, and a builder must not run a command that
    an image names.
    """
    copies = tuple((os.path.realpath(source), destination) for source, destination in spec.copies)
    if copies and (keep_blob or not all(lies_in_store(source) for source, _ in copies)):
        return None
    if spec.files or spec.removed or compressor.name not in NAMES:
        return None
    return Recipe(
        store_paths=tuple(sorted(set(spec.store_paths))),
        copies=copies,
        perms=() if spec.perms is None else tuple(spec.perms.raw),
        owner=spec.owner,
        mtime=spec.mtime,
        compressor=compressor.name,
        compressor_version=compressor.version,
    )


def _comment(spec: LayerSpec) -> str:
    """Return a summary of the layer's content for people.

    It contains no hashes: Nix would find them in the image and treat them as references.
    """
    names = _first(sorted(full_name(path) for path in set(spec.store_paths)))
    copied = [f"files in {shown(destination)}" for destination in dict.fromkeys(place for _, place in spec.copies)]
    files = _first([shown(f"/{path}") for _, path in spec.files])
    gone = [f"{REMOVED}{shown(path)}" for path in spec.removed]
    return ", ".join(names + copied + files + gone)


def _first(names: list[str]) -> list[str]:
    """Return the first NAMES, and how many more there are."""
    if len(names) <= NAMES_IN_COMMENT:
        return names
    return [*names[:NAMES_IN_COMMENT], f"{len(names) - NAMES_IN_COMMENT} more"]
