"""OCI image layouts (image-layout.md), directories and archives, our own image directory among them.

An image directory is a layout whose blobs are links to store paths; a layer that keeps no blob has a
link to its layer directory instead, under ``layers/``, whose recipe makes the bytes again.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

from laminix import descriptor as types
from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.forms.blobs import Blobs, find_by_config, index_candidates, recipe_name
from laminix.forms.choice import Candidate
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import checked_pieces, compression_of_layer, measured
from laminix.forms.members import ArchiveMembers, DirectoryMembers
from laminix.images.oci import (
    NAME_ANNOTATION,
    TAG_ANNOTATION,
    Index,
    Manifest,
    check_layer_count,
    in_order,
    read_index,
)
from laminix.images.reference import Reference
from laminix.progress import watched
from laminix.regular_file import read_regular_file

INDEX = "index.json"
MARK = "oci-layout"
MARK_CONTENT = b'{"imageLayoutVersion":"1.0.0"}\n'
STORE = "/nix/store"


# Reading.


def recognises(members: DirectoryMembers | ArchiveMembers) -> bool:
    """Whether MEMBERS are an OCI layout."""
    return members.has(INDEX)


def candidates(members: DirectoryMembers | ArchiveMembers) -> list[Candidate]:
    """The images in the layout."""
    _check_version(members)
    return index_candidates(_blobs(members), _index(members))


def image_with_config(members: DirectoryMembers | ArchiveMembers, config_digest: str) -> Image | None:
    """The image whose config has that digest, None where there is none."""
    return find_by_config(_blobs(members), _index(members), config_digest)


def _blobs(members: DirectoryMembers | ArchiveMembers) -> Blobs:
    return Blobs(members, blob_name, blob_name)


def blob_name(digest: str) -> str:
    """The member that is the blob of DIGEST."""
    return f"blobs/{digest.replace(':', '/')}"


def _index(members: DirectoryMembers | ArchiveMembers) -> Index:
    return read_index(strict_json.loads(members.read(INDEX), "bad index", members.location(INDEX)))


def _check_version(members: DirectoryMembers | ArchiveMembers) -> None:
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
    layers = [measured(layer) for layer in layers]
    for layer in by_digest(layers):
        _place_layer(directory, layer)
    manifest = layout_manifest(layers, config, annotations).to_bytes()
    _write_documents(directory, config, manifest, references)


def write_directory(directory: str, image: Image, references: Sequence[Reference]) -> None:
    """Write IMAGE into DIRECTORY, which is empty, as a layout that holds all it needs.

    Raises LaminixError where a layer's bytes are not what its digest says.
    """
    layers = [measured(layer) for layer in image.layers]
    for layer in by_digest(layers):
        copy_layer(layer, os.path.join(directory, blob_name(layer.digest)))
    _write_documents(directory, image.config_bytes, kept_manifest(image, layers), references)


def _write_documents(directory: str, config: bytes, manifest: bytes, references: Sequence[Reference]) -> None:
    for data in (config, manifest):
        write_pieces(os.path.join(directory, blob_name(sha256(data))), [data])
    write_pieces(os.path.join(directory, INDEX), [layout_index(manifest, references).to_bytes()])
    write_pieces(os.path.join(directory, MARK), [MARK_CONTENT])


def by_digest(layers: Sequence[StoredLayer]) -> list[StoredLayer]:
    """LAYERS in their order, one that is there twice once."""
    return list({layer.digest: layer for layer in layers}.values())


def kept_manifest(image: Image, layers: Sequence[StoredLayer]) -> bytes:
    """The image's manifest as it was read if it is OCI's, so that its digest stays; else one like it."""
    if image.manifest is not None and image.manifest.media_type == types.OCI_MANIFEST:
        return image.manifest_bytes
    return layout_manifest(layers, image.config_bytes, image.annotations).to_bytes()


def layout_manifest(layers: Sequence[StoredLayer], config: bytes, annotations: Mapping[str, str]) -> Manifest:
    """The OCI manifest of these; the digest of every layer is known."""
    return Manifest(
        config=Descriptor(types.OCI_CONFIG, sha256(config), len(config)),
        layers=tuple(Descriptor(_oci_type(layer), layer.digest, layer.size) for layer in layers),
        annotations=in_order(dict(annotations)),
    )


def layout_index(manifest: bytes, references: Sequence[Reference]) -> Index:
    """The index of a layout with this one manifest: an entry for each reference, or one without a name."""
    names = [_name_annotations(reference) for reference in references] or [{}]
    entries = (Descriptor(types.OCI_MANIFEST, sha256(manifest), len(manifest), name) for name in names)
    return Index(tuple(entries))


def _name_annotations(reference: Reference) -> dict[str, dict[str, str]]:
    # containerd's store cannot run an image whose name is missing or short.
    name = {NAME_ANNOTATION: reference.qualified()} if reference.name else {}
    return {"annotations": {**name, TAG_ANNOTATION: reference.tag}}


def _oci_type(layer: StoredLayer) -> str:
    """OCI's media type for a layer, by its bytes: skopeo calls plain ones gzip at times."""
    if layer.recipe_directory is not None:
        return layer.media_type
    return types.LAYER_TYPES.get(compression_of_layer(layer), layer.media_type)


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
        write_pieces(os.path.join(place, "layer.json"), [document])


def link_to_store(place: str, target: str | None) -> bool:
    """Make PLACE a symbolic link to TARGET if that is in the Nix store, and tell whether it was."""
    real = None if target is None else os.path.realpath(target)
    stores = (STORE, os.environ.get("NIX_STORE") or STORE)
    if real is None or not any(real.startswith(f"{os.path.realpath(store)}/") for store in stores):
        return False
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.symlink(real, place)
    return True


def copy_layer(layer: StoredLayer, path: str, diff_id_too: bool = False) -> None:
    """Write the layer's bytes as stored to the new file PATH, checked as ``checked_pieces`` does."""
    write_pieces(path, watched(checked_pieces(layer, diff_id_too), "copying a layer:", layer.size))


def write_pieces(path: str, pieces: Iterable[bytes]) -> None:
    """Write the new file PATH, its directory too."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)
