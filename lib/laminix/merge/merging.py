"""The merge of an image with its parent: the parent's layers below its own, with config and history of both."""

import os
from collections.abc import Sequence
from functools import partial

from laminix.compression.compressor import available_cores, find_compressor
from laminix.directory_trees import remove_tree
from laminix.forms.oci_layout import write_image_directory
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import compression_of_layer
from laminix.images.layer_tar import LayerTar, Member, checked_members
from laminix.images.oci import Config, check_layer_count
from laminix.layers.blob_writer import write_blob
from laminix.merge.config_inheritance import inherit
from laminix.merge.layer_on_parent import LowerTree, adapt_members, tar_of
from laminix.merge.merged_tree import MergedTree
from laminix.merge.removals import (
    layers_with_removals,
    missing_errors,
    missing_removals,
    removed_names,
    tree_of_all_files,
)
from laminix.progress import counted
from laminix.tar.entries import FILE

TEMPORARY = "rewritten"  # directory for rewritten layers in the image directory, removed at the end


def merge(
    parent: Image, child: Image, mode: str, skip_existing: bool, directory: str, allow_missing: bool = False
) -> None:
    """Write an image directory with CHILD on top of PARENT into the empty DIRECTORY.

    MODE is one of config_inheritance.MODES. With SKIP_EXISTING, layers lose entries that the parent already has.
    With ALLOW_MISSING, mk-layer's layers may remove paths that nothing below them has. Reads and checks every byte of
    the parent. Raises LaminixError for damaged layers and if the images disagree, and a group of errors for removals.
    """
    check_layer_count(len(parent.layers) + len(child.layers))
    inherit(parent.config, child.config, mode)  # to report a disagreement before reading the layers
    temporary = os.path.join(directory, TEMPORARY)
    os.mkdir(temporary)
    layers = _adapted_layers(parent, child, skip_existing, allow_missing, temporary)
    config = inherit(parent.config, _with_diff_ids(child.config, layers), mode)
    write_image_directory(directory, [*parent.layers, *layers], config.to_bytes(), child.references, child.annotations)
    remove_tree(temporary)


def _with_diff_ids(config: Config, layers: Sequence[StoredLayer]) -> Config:
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return Config(config.raw | {"rootfs": rootfs})


def _adapted_layers(
    parent: Image, child: Image, skip_existing: bool, allow_missing: bool, temporary: str
) -> list[StoredLayer]:
    """Return the child's layers adapted to the parent, unchanged if possible; others are written to TEMPORARY."""
    tars = [LayerTar(layer, os.path.join(temporary, f"tar-{i}")) for i, layer in enumerate(child.layers)]
    removing = [] if allow_missing else [tar for tar, removes in zip(tars, layers_with_removals(child)) if removes]
    tree = merged_tree(parent, _sizes(tars) if skip_existing else frozenset(), removed_names(removing))
    lower = LowerTree(tree, tree.layers)
    layers = []
    for number, tar in enumerate(tars):
        if tar in removing:
            _check_removals(tar, lower, [parent, child])
        layers.append(_adapted_layer(tar, lower, skip_existing, os.path.join(temporary, str(number))))
    return layers


def _check_removals(tar: LayerTar, lower: LowerTree, images: Sequence[Image]) -> None:
    """Raise a group of LaminixErrors if the layer TAR removes paths that LOWER, the next layers of IMAGES, lacks."""
    missing = missing_removals(tar, lower)
    if missing:
        below = tree_of_all_files(images, lower.tree.layers)  # LOWER has too few names to suggest one
        raise ExceptionGroup("removals of nothing", missing_errors(missing, below, tar.layer.location))


def merged_tree(image: Image, sizes: frozenset[int], names: frozenset[bytes]) -> MergedTree:
    """Return the file tree of IMAGE with files of SIZES and NAMES only. Raises LaminixError for a damaged layer."""
    tree = MergedTree(sizes, names=names)
    for layer in counted(image.layers, "reading the parent: layer", len(image.layers)):
        tree.add_layer(checked_members(layer))
    return tree


def _sizes(tars: Sequence[LayerTar]) -> frozenset[int]:
    return frozenset(entry.size for tar in tars for entry, _ in tar.members() if entry.type == FILE)


def _adapted_layer(tar: LayerTar, lower: LowerTree, skip_existing: bool, place: str) -> StoredLayer:
    members = adapt_members(tar, lower, skip_existing)
    return tar.layer if members is None else _rewritten(tar, members, place)


def _rewritten(tar: LayerTar, members: Sequence[Member], place: str) -> StoredLayer:
    """Write a layer of MEMBERS to the new directory PLACE, with the compression of TAR's layer, and return it."""
    tar.check()
    os.mkdir(place)
    threads = available_cores()
    compressor = find_compressor(compression_of_layer(tar.layer), threads)
    blob = write_blob(tar_of(members, tar), compressor, place, threads)
    path = os.path.join(place, blob.file)
    return StoredLayer(
        diff_id=blob.diff_id,
        media_type=blob.descriptor.media_type,
        size=blob.descriptor.size,
        digest=blob.descriptor.digest,
        location=path,
        open=partial(open, path, "rb", buffering=0),
    )
