"""Where the bytes of an image are and why: the one result that all formats of explain-image render."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from laminix.explain.contents import Contents, Stores, listed_contents, read_contents, recipe_of
from laminix.explain.graph import Graph, Reasons, closure, dependents, find_reasons, freed_sizes, total_size
from laminix.explain.hidden import HiddenFile, hidden_files
from laminix.explain.roots import find_roots, hash_part
from laminix.images.image import Image
from laminix.nix_store import store_directories
from laminix.progress import counted
from laminix.store.closure import StorePath
from laminix.tar.entries import FILE, is_whiteout


@dataclass(frozen=True)
class Explanation:
    """An image with the contents of its layers, and the references among its store paths."""

    image: Image
    recipes: tuple[tuple[str, ...] | None, ...]  # of each layer: the store paths of a layer without a blob
    contents: tuple[Contents, ...]  # of each layer
    graph: Graph
    reasons: Reasons
    searched: bool  # whether references were found by searching files instead of from a closure

    @cached_property
    def layers_of(self) -> dict[str, list[int]]:
        """The numbers of the layers that contain each store path."""
        layers: dict[str, list[int]] = {}
        for number, contents in enumerate(self.contents):
            for path in contents.store_paths:
                layers.setdefault(path, []).append(number)
        return layers

    @cached_property
    def dominators(self) -> dict[str, str | None]:
        """For each store path the one without which it would not be in the image."""
        return dependents(self.graph, self.reasons)

    @cached_property
    def freed(self) -> dict[str, int]:
        """The bytes that would leave the image together with each store path."""
        return freed_sizes(self.graph, self.dominators)

    def closure_size(self, path: str) -> int:
        """The bytes of the closure of store path PATH."""
        return total_size(self.graph, closure(self.graph, path))

    @cached_property
    def hidden(self) -> list[HiddenFile]:
        """The files that no container sees; empty where only the lists of store paths were read."""
        return hidden_files([contents.entries or [] for contents in self.contents])

    def files(self) -> list[tuple[int, bytes, int]]:
        """Layer, path and size in bytes of every file, in the layers' order."""
        return [
            (number, entry.path, entry.size)
            for number, contents in enumerate(self.contents)
            for entry in contents.entries or ()
            if entry.type == FILE and not is_whiteout(entry.path)
        ]


def explain(images: Sequence[Image], known: Sequence[StorePath], all_files: bool) -> list[Explanation]:
    """Where the bytes of each of IMAGES are and why; layers that they share are read once.

    KNOWN is a closure that has the references and sizes of store paths. For others the files are searched. The
    files of a layer that only its recipe and KNOWN describe are read if ALL_FILES, or if another layer of the
    image deletes or repeats something. Raises LaminixError for a damaged layer.
    """
    by_path = {item.path: item for item in known}
    layers = {layer.diff_id: layer for image in images for layer in image.layers}
    recipes = {diff_id: recipe_of(layer) for diff_id, layer in layers.items()}
    stores = Stores({*store_directories(), *map(os.path.dirname, by_path)})
    read: dict[str, Contents] = {}
    for diff_id, layer in counted(layers.items(), "reading layer", len(layers)):
        recipe = recipes[diff_id]
        if recipe is not None and not all_files and all(path in by_path for path in recipe):
            read[diff_id] = listed_contents(recipe)
        else:
            read[diff_id] = read_contents(layer, recipe, stores, by_path)
    for image in images:
        contents = [read[layer.diff_id] for layer in image.layers]
        for layer in image.layers if _overlap(contents) else ():
            if read[layer.diff_id].entries is None:
                read[layer.diff_id] = read_contents(layer, recipes[layer.diff_id], stores, by_path)
    return [_explanation(image, recipes, read, stores, by_path) for image in images]


def _explanation(image, recipes, read, stores, by_path) -> Explanation:
    contents = tuple(read[layer.diff_id] for layer in image.layers)
    graph = _graph(contents, by_path)
    by_hash = {hash_part(path): path for path in graph.sizes}
    reasons = find_reasons(graph, find_roots(image.config, contents, stores, by_hash))
    searched = any(path not in by_path for path in graph.sizes)
    own_recipes = tuple(recipes[layer.diff_id] for layer in image.layers)
    return Explanation(image, own_recipes, contents, graph, reasons, searched)


def _overlap(contents: Sequence[Contents]) -> bool:
    """Whether a file of one layer may hide one of another, as far as lists of store paths tell."""
    paths = [path for layer in contents for path in layer.store_paths]
    deletes = any(is_whiteout(entry.path) for layer in contents for entry in layer.entries or ())
    return deletes or len(set(paths)) < len(paths)


def _graph(contents: Sequence[Contents], by_path: Mapping[str, StorePath]) -> Graph:
    sizes: dict[str, int] = {}
    mentions: dict[str, set[bytes]] = {}
    for layer in contents:
        for path, usage in layer.store_paths.items():
            sizes[path] = by_path[path].size if path in by_path else usage.size
            mentions.setdefault(path, set()).update(layer.mentions.get(path, ()))
    by_hash = {hash_part(path): path for path in sizes}
    references = {}
    for path in sizes:
        if path in by_path:
            links = sizes.keys() & by_path[path].references
        else:
            links = {by_hash[each] for each in mentions[path] if each in by_hash}
        references[path] = tuple(sorted(links - {path}))
    return Graph(sizes, references)
