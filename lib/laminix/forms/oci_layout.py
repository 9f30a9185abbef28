"""OCI image layouts (image-layout.md), directories and archives, our own image directory among them.

An image directory is a layout whose blobs are links to store paths; a layer that keeps no blob has a
link to its layer directory instead, under ``layers/``, whose recipe makes the bytes again.
"""

import os
from collections.abc import Mapping, Sequence

from laminix import media_types
from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.forms.blobs import Blobs, find_by_config, index_candidates, recipe_name
from laminix.forms.choice import Candidate
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.forms.members import Members
from laminix.images.oci import (
    NAME_ANNOTATION,
    TAG_ANNOTATION,
    Index,
    check_layer_count,
    read_index,
)
from laminix.forms.form import Form
from laminix.forms.writing import by_digest, copy_layer, kept_manifest, link_to_store, oci_manifest, write_chunks
from laminix.images.reference import Reference
from laminix.regular_file import read_regular_file

INDEX = "index.json"
MARK = "oci-layout"
MARK_CONTENT = b'{"imageLayoutVersion":"1.0.0"}\n'


# Reading.


def recognises(members: Members) -> bool:
    """Whether MEMBERS are an OCI layout."""
    return members.has(INDEX)


def candidates(members: Members) -> list[Candidate]:
    """The images in the layout."""
    _check_version(members)
    return index_candidates(_blobs(members), _index(members))


def image_with_config(members: Members, config_digest: str) -> Image | None:
    """The image whose config has that digest, None where there is none."""
    return find_by_config(_blobs(members), _index(members), config_digest)


def _blobs(members: Members) -> Blobs:
    return Blobs(members.blobs(), blob_name, blob_name)


def blob_name(digest: str) -> str:
    """The member that is the blob of DIGEST."""
    return f"blobs/{digest.replace(':', '/')}"


def _index(members: Members) -> Index:
    return read_index(strict_json.loads(members.read(INDEX), "bad index", members.location(INDEX)))


def _check_version(members: Members) -> None:
    if not members.has(MARK):
        return  # the index says enough, and some writers forget the mark
    document = strict_json.loads(members.read(MARK), "bad image layout", members.location(MARK))
    version = document["imageLayoutVersion"]
    if not version.text().startswith("1."):
        raise version.error(f"found {version.raw!r}, expected a version 1")


# Writing.


def write_image_directory(
    directory: str,
    layers: Sequence[StoredLayer],
    config: bytes,
    references: Sequence[Reference],
    annotations: Mapping[str, str],
) -> None:
    """Write the image into DIRECTORY, which is empty: the config as it is, LAYERS base layer first.

    Blobs in a store path become symbolic links, layers without a blob keep their recipe, all others are
    copied.  ANNOTATIONS go on the manifest.  Raises LaminixError where a copied layer's bytes are not what
    its digest and diff ID say, and for too many layers.
    """
    check_layer_count(len(layers))
    layers = [with_digest(layer) for layer in layers]
    for layer in by_digest(layers):
        _place_layer(directory, layer)
    manifest = oci_manifest(layers, config, annotations).to_bytes()
    _write_documents(directory, config, manifest, references)


def write_self_contained(directory: str, image: Image, references: Sequence[Reference]) -> None:
    """Write IMAGE into DIRECTORY, which is empty, as a layout that holds all it needs.

    Raises LaminixError where a layer's bytes are not what its digest says.
    """
    layers = [with_digest(layer) for layer in image.layers]
    for layer in by_digest(layers):
        copy_layer(layer, os.path.join(directory, blob_name(layer.digest)))
    _write_documents(directory, image.config_bytes, kept_manifest(image, layers), references)


def _write_documents(directory: str, config: bytes, manifest: bytes, references: Sequence[Reference]) -> None:
    for data in (config, manifest):
        write_chunks(os.path.join(directory, blob_name(sha256(data))), [data])
    write_chunks(os.path.join(directory, INDEX), [layout_index(manifest, references).to_bytes()])
    write_chunks(os.path.join(directory, MARK), [MARK_CONTENT])


def layout_index(manifest: bytes, references: Sequence[Reference]) -> Index:
    """The index of a layout with this one manifest: an entry for each reference, or one without a name."""
    names = [_name_annotations(reference) for reference in references] or [{}]
    entries = (Descriptor(media_types.OCI_MANIFEST, sha256(manifest), len(manifest), name) for name in names)
    return Index(tuple(entries))


def _name_annotations(reference: Reference) -> dict[str, dict[str, str]]:
    # containerd's store cannot run an image whose name is missing or short.
    name = {NAME_ANNOTATION: reference.qualified()} if reference.name else {}
    return {"annotations": {**name, TAG_ANNOTATION: reference.tag}}


def _place_layer(directory: str, layer: StoredLayer) -> None:
    blob = os.path.join(directory, blob_name(layer.digest))
    if layer.recipe_directory is not None:
        _place_recipe(directory, layer)
    elif not link_to_store(blob, layer.file):
        copy_layer(layer, blob, diff_id_too=True)


def _place_recipe(directory: str, layer: StoredLayer) -> None:
    place = os.path.join(directory, recipe_name(layer.digest))
    if not link_to_store(place, layer.recipe_directory):
        os.makedirs(place)
        document = read_regular_file(os.path.join(layer.recipe_directory, "layer.json"))
        write_chunks(os.path.join(place, "layer.json"), [document])


FORM = Form("oci", recognises=recognises, candidates=candidates, write_directory=write_self_contained)
