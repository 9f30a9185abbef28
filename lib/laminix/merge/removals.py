"""Removals that must remove something: a path of ``mk-layer --remove`` that nothing below has is a mistake.

Only layers of mk-layer are checked. In a layer of another tool, a whiteout may have served its image alone.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

from laminix.errors import LaminixError, shown
from laminix.images.image import Image
from laminix.images.layer_tar import LayerTar, checked_members
from laminix.images.oci import layer_history
from laminix.layers.layer_directory import removes_paths
from laminix.merge.layer_on_parent import LowerTree, whiteout_place
from laminix.merge.merged_tree import MergedTree
from laminix.suggestion import nearest
from laminix.tar.entries import OPAQUE, hidden_name, is_whiteout

LISTED = 10  # errors for one layer: to suggest a path, its name is compared with all in its directory
NOWHERE = "neither the parent nor a layer below the removal has it"


def layers_with_removals(image: Image) -> list[bool]:
    """Return for each layer of IMAGE, base layer first, whether mk-layer removed paths in it, by its history."""
    history = layer_history(image.config) or [{}] * len(image.layers)
    return [removes_paths(entry) for entry in history]


def removed_names(tars: Sequence[LayerTar]) -> frozenset[bytes]:
    """Return the base names of all paths that the layers in TARS remove."""
    return frozenset(path.rpartition(b"/")[2] for tar in tars for path, _ in _removals(tar))


def missing_removals(tar: LayerTar, lower: LowerTree) -> list[tuple[bytes, bytes]]:
    """Return each path that the layer in TAR removes and LOWER lacks: as the layer has it, and with links followed."""
    removals = [(path, _hidden(whiteout_place(whiteout, lower))) for path, whiteout in _removals(tar)]
    return [(path, place) for path, place in removals if lower.tree.find(place) is None]


def missing_errors(missing: Sequence[tuple[bytes, bytes]], below: MergedTree, layer: str) -> list[LaminixError]:
    """Return an error for each of MISSING, as ``missing_removals`` returns them, in the layer at LAYER.

    Suggests paths of the tree BELOW. Of many, the last error counts those that are not listed.
    """
    errors = [_missing_error(path, place, below, layer) for path, place in missing[:LISTED]]
    if len(missing) > LISTED:
        errors.append(LaminixError(f"cannot remove {len(missing) - LISTED} more paths", NOWHERE, layer))
    return errors


def _missing_error(path: bytes, place: bytes, below: MergedTree, layer: str) -> LaminixError:
    near = _near_path(below, place)
    remedy = "--allow-missing accepts that" if near is None else f"did you mean {shown(near)!r}?"
    return LaminixError(f"cannot remove {shown(path)!r}", f"{NOWHERE}: {remedy}", layer)


def tree_of_all_files(images: Sequence[Image], layers: int) -> MergedTree:
    """Return the merged tree of all files in the first LAYERS layers of IMAGES, which lie one on another."""
    tree = MergedTree(keep=lambda entry, content: None)
    for layer in [layer for image in images for layer in image.layers][:layers]:
        tree.add_layer(checked_members(layer))
    return tree


def _removals(tar: LayerTar) -> Iterator[tuple[bytes, bytes]]:
    """Yield the path that each whiteout in TAR hides, and the whiteout's own.

    Opaque markers are left out: they belong to directories that replace something, if there is something.
    """
    for entry, _ in tar.members():
        if is_whiteout(entry.path) and entry.path.rpartition(b"/")[2] != OPAQUE:
            with contextlib.suppress(ValueError):  # it hides no name; reported when the layer is merged
                yield _hidden(entry.path), entry.path


def _hidden(whiteout: bytes) -> bytes:
    directory, slash, name = whiteout.rpartition(b"/")
    return directory + slash + hidden_name(name)


def _near_path(tree: MergedTree, path: bytes) -> bytes | None:
    """Return a path of TREE that differs from PATH only in names that are similar; None if there is none."""
    node, names = tree.find(b""), []
    for name in path.split(b"/"):
        children = node.children or {}
        if name not in children:
            near = nearest(os.fsdecode(name), map(os.fsdecode, children))
            if near is None:
                return None
            name = os.fsencode(near)
        names.append(name)
        node = children[name]
    return b"/".join(names)
