"""An image put on a parent: the parent's layers below its own, and config and history of both."""

import os
import shutil
from collections.abc import Sequence
from functools import partial

from laminix.layers.blob_writer import write_blob
from laminix.compression.compressor import available_cores, find_compressor
from laminix.tar.entries import FILE
from laminix.merge.layer_on_parent import Parent, fit, tar_of
from laminix.forms.oci_layout import write_image_directory
from laminix.images.image import Image, StoredLayer
from laminix.merge.config_inheritance import inherit
from laminix.images.layer_bytes import compression_of_layer
from laminix.images.layer_tar import LayerTar, Member, checked_members
from laminix.merge.merged_tree import MergedTree
from laminix.images.oci import Config, check_layer_count
from laminix.progress import counted

WORKSHOP = "rewritten"  # a directory in the image's, for as long as it is made


def merge(parent: Image, child: Image, mode: str, skip_existing: bool, directory: str) -> None:
    """Write CHILD on PARENT into DIRECTORY, which is empty, as an image directory.

    MODE is one of inherit.MODES; with SKIP_EXISTING the layers lose what the parent has.  Every byte of
    the parent is read, and checked.  Raises LaminixError for images that do not go together.
    """
    check_layer_count(len(parent.layers) + len(child.layers))
    inherit(parent.config, child.config, mode)  # a contradiction is to be told before hours of reading
    workshop = os.path.join(directory, WORKSHOP)
    os.mkdir(workshop)
    layers = _fitted(parent, child, skip_existing, workshop)
    config = inherit(parent.config, _with_diff_ids(child.config, layers), mode)
    write_image_directory(
        directory, [*parent.layers, *layers], config.to_bytes(), child.references, child.annotations
    )
    shutil.rmtree(workshop)


def _with_diff_ids(config: Config, layers: Sequence[StoredLayer]) -> Config:
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return Config(config.raw | {"rootfs": rootfs})


def _fitted(parent: Image, child: Image, skip_existing: bool, workshop: str) -> list[StoredLayer]:
    """The child's layers as they go on the parent: as they are where that can be."""
    tars = [LayerTar(layer, os.path.join(workshop, f"tar-{i}")) for i, layer in enumerate(child.layers)]
    tree = merged_tree(parent, _sizes(tars) if skip_existing else frozenset())
    below = Parent(tree, tree.layers)
    places = (os.path.join(workshop, str(i)) for i in range(len(tars)))
    return [_fitted_layer(tar, below, skip_existing, place) for tar, place in zip(tars, places)]


def merged_tree(image: Image, sizes: frozenset[int]) -> MergedTree:
    """What a container of IMAGE sees, of files only those of SIZES; its layers are checked on the way."""
    tree = MergedTree(sizes)
    for layer in counted(image.layers, "reading the parent: layer", len(image.layers)):
        tree.add_layer(checked_members(layer))
    return tree


def _sizes(tars: Sequence[LayerTar]) -> frozenset[int]:
    return frozenset(entry.size for tar in tars for entry, _ in tar.members() if entry.type == FILE)


def _fitted_layer(tar: LayerTar, parent: Parent, skip_existing: bool, place: str) -> StoredLayer:
    members = fit(tar, parent, skip_existing)
    return tar.layer if members is None else _rewritten(tar, members, place)


def _rewritten(tar: LayerTar, members: Sequence[Member], place: str) -> StoredLayer:
    """A layer of MEMBERS in the directory PLACE, compressed as the layer was."""
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
