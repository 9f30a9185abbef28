"""OCI image layouts (image-layout.md) as directories and archives, and image directories, a kind of layout.

In an image directory, blobs in the Nix store are symbolic links. A layer without a blob has a link to its layer
directory under ``layers/``; the recipe there rebuilds the blob.
"""

import os
from collections.abc import Mapping, Sequence

from laminix import image_json, media_types
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.forms.blobs import Blobs, find_by_config, index_candidates, recipe_name
from laminix.forms.choice import Candidate
from laminix.forms.form import Form
from laminix.forms.members import Members
from laminix.forms.writing import (
    copy_layer,
    distinct_layers,
    link_to_store,
    oci_manifest,
    oci_manifest_bytes,
    share_layer,
    write_chunks,
)
from laminix.images import shapes
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.images.oci import (
    NAME_ANNOTATION,
    TAG_ANNOTATION,
    Index,
    check_layer_count,
    read_index,
)
from laminix.images.reference import Reference
from laminix.layers.layer_directory import Layer, read_layer
from laminix.layers.layer_directory import write_layer as write_layer_json

INDEX = "index.json"
LAYOUT = "oci-layout"
LAYOUT_CONTENT = b'{"imageLayoutVersion":"1.0.0"}\n'


# Reading.


def recognises(members: Members) -> bool:
    """Return whether MEMBERS are an OCI layout."""
    return members.has(INDEX)


def candidates(members: Members) -> list[Candidate]:
    """Return the images in the layout. Raises LaminixError for an unknown version."""
    _check_version(members)
    return index_candidates(layout_blobs(members), read_layout_index(members))


def image_with_config(members: Members, config_digest: str) -> Image | None:
    """Return the image whose config has the digest CONFIG_DIGEST; None if absent."""
    return find_by_config(layout_blobs(members), read_layout_index(members), config_digest)


def layout_blobs(members: Members) -> Blobs:
    """Return the blobs of the layout."""
    return Blobs(members.blobs(), blob_name, blob_name)


def blob_name(digest: str) -> str:
    """Return the member name of the blob with DIGEST."""
    return f"blobs/{digest.replace(':', '/')}"


def read_layout_index(members: Members) -> Index:
    """Return the index.json of the layout."""
    return read_index(image_json.loads(members.read(INDEX), shapes.INDEX, "bad index", members.location(INDEX)))


def _check_version(members: Members) -> None:
    if not members.has(LAYOUT):
        return  # some writers omit it, and the index is sufficient
    document = image_json.loads(members.read(LAYOUT), shapes.LAYOUT, "bad image layout", members.location(LAYOUT))
    version = document["imageLayoutVersion"]
    if not version.text().startswith("1."):
        raise version.error(f"found {version.raw!r}, expected 1.x")


# Writing.


def write_image_directory(
    directory: str,
    layers: Sequence[StoredLayer],
    config: bytes,
    references: Sequence[Reference],
    annotations: Mapping[str, str],
) -> None:
    """Write an image directory into the empty DIRECTORY: LAYERS, base layer first, and the bytes CONFIG.

    Blobs in the Nix store become symbolic links, layers without a blob keep their recipe, other blobs are copied.
    ANNOTATIONS are those of the manifest. Raises LaminixError if a copied layer has a wrong digest or diff ID, and
    for too many layers.
    """
    check_layer_count(len(layers))
    layers = [with_digest(layer) for layer in layers]
    for layer in distinct_layers(layers):
        write_layer(directory, layer)
    manifest = oci_manifest(layers, config, annotations).to_bytes()
    _write_documents(directory, config, manifest, references)


def write_copied_layout(directory: str, image: Image, references: Sequence[Reference]) -> None:
    """Write IMAGE into the empty DIRECTORY as a layout without links: every blob is copied.

    Raises LaminixError if a layer has a wrong digest.
    """
    layers = [with_digest(layer) for layer in image.layers]
    for layer in distinct_layers(layers):
        copy_layer(layer, os.path.join(directory, blob_name(layer.digest)))
    write_documents(directory, image, layers, references)


def write_documents(
    directory: str, image: Image, layers: Sequence[StoredLayer], references: Sequence[Reference]
) -> None:
    """Write the documents of a layout with IMAGE into DIRECTORY. LAYERS are those of the image, with digests."""
    _write_documents(directory, image.config_bytes, oci_manifest_bytes(image, layers), references)


def _write_documents(directory: str, config: bytes, manifest: bytes, references: Sequence[Reference]) -> None:
    for data in (config, manifest):
        write_chunks(os.path.join(directory, blob_name(sha256(data))), [data])
    write_chunks(os.path.join(directory, INDEX), [layout_index(manifest, references).to_bytes()])
    write_chunks(os.path.join(directory, LAYOUT), [LAYOUT_CONTENT])


def layout_index(manifest: bytes, references: Sequence[Reference]) -> Index:
    """Return the index of a layout with one manifest: an entry for each reference, or one entry without a name."""
    names = [name_annotations(reference) for reference in references] or [{}]
    entries = (Descriptor(media_types.OCI_MANIFEST, sha256(manifest), len(manifest), name) for name in names)
    return Index(tuple(entries))


def name_annotations(reference: Reference) -> dict[str, dict[str, str]]:
    """Return the annotations of an index's entry that is called REFERENCE."""
    # containerd cannot run an image whose name is missing or not qualified.
    name = {NAME_ANNOTATION: reference.qualified()} if reference.name else {}
    return {"annotations": {**name, TAG_ANNOTATION: reference.tag}}


def write_layer(directory: str, layer: StoredLayer) -> None:
    """Write LAYER into the image directory DIRECTORY.

    That is a link to its blob or its recipe in the store, else a hard link to a blob that nobody may write, else a
    copy.
    """
    blob = os.path.join(directory, blob_name(layer.digest))
    if layer.recipe_directory is not None:
        _link_or_write_recipe(directory, layer)
    elif not link_to_store(blob, layer.file) and not share_layer(layer, blob):
        copy_layer(layer, blob, diff_id_too=True)


def _link_or_write_recipe(directory: str, layer: StoredLayer) -> None:
    if not link_to_store(os.path.join(directory, recipe_name(layer.digest)), layer.recipe_directory):
        write_recipe(directory, read_layer(layer.recipe_directory))


def write_recipe(directory: str, layer: Layer) -> None:
    """Write the description of LAYER, which has no blob, into the image directory DIRECTORY."""
    place = os.path.join(directory, recipe_name(layer.descriptor.digest))
    os.makedirs(place)
    write_layer_json(place, layer)


FORM = Form("oci", recognises=recognises, candidates=candidates, write_directory=write_copied_layout)
