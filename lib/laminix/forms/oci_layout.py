"""OCI image layouts (image-layout.md), directories and archives, our own image directory among them.

An image directory is a layout whose blobs are links to store paths; a layer that keeps no blob has a
link to its layer directory instead, under ``layers/``, whose recipe makes the bytes again.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence

from laminix import descriptor as types
from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.forms.blobs import Blobs, find_by_config, index_candidates, recipe_name
from laminix.forms.choice import Candidate
from laminix.image import Image, StoredLayer
from laminix.layer_bytes import checked_pieces, measured
from laminix.members import ArchiveMembers, DirectoryMembers
from laminix.oci import (
    NAME_ANNOTATION,
    TAG_ANNOTATION,
    Index,
    Manifest,
    check_layer_count,
    in_order,
    read_index,
)
from laminix.reference import Reference

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
    links: bool = True,
) -> None:
    """Write the image into DIRECTORY, which is empty: the config as it is, LAYERS base layer first.

    With LINKS, blobs in a store path become symbolic links and layers without a blob keep their recipe;
    all others are copied, and without LINKS all are.  ANNOTATIONS go on the manifest.  Raises LaminixError
    where a copied layer's bytes are not what its digest and diff ID say, and for too many layers.
    """
    check_layer_count(len(layers))
    os.makedirs(os.path.join(directory, "blobs/sha256"))
    layers = [measured(layer) for layer in layers]
    for layer in {layer.digest: layer for layer in layers}.values():
        _place_layer(directory, layer, links)
    manifest = layout_manifest(layers, config, annotations).to_bytes()
    for data in (config, manifest):
        _write(os.path.join(directory, blob_name(sha256(data))), [data])
    _write(os.path.join(directory, INDEX), [layout_index(manifest, references).to_bytes()])
    _write(os.path.join(directory, MARK), [MARK_CONTENT])


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
    """OCI's media type for a layer, which Docker calls otherwise and says the same of."""
    return types.LAYER_TYPES["gzip"] if layer.media_type == types.DOCKER_LAYER else layer.media_type


def _place_layer(directory: str, layer: StoredLayer, links: bool) -> None:
    blob = os.path.join(directory, blob_name(layer.digest))
    in_store = links and layer.file is not None and store_file(layer.file)
    if in_store:
        os.makedirs(os.path.dirname(blob), exist_ok=True)
        os.symlink(in_store, blob)
    elif links and layer.recipe_directory is not None:
        _place_recipe(directory, layer)
    else:
        _write(blob, checked_pieces(layer, diff_id_too=links))


def _place_recipe(directory: str, layer: StoredLayer) -> None:
    place = os.path.join(directory, recipe_name(layer.digest))
    os.makedirs(os.path.dirname(place), exist_ok=True)
    target = store_file(layer.recipe_directory)
    if target:
        os.symlink(target, place)
    else:
        os.mkdir(place)
        shutil.copyfile(os.path.join(layer.recipe_directory, "layer.json"), os.path.join(place, "layer.json"))


def store_file(path: str) -> str | None:
    """PATH with its links resolved, if that is in the Nix store, else None."""
    real = os.path.realpath(path)
    stores = {STORE, os.environ.get("NIX_STORE") or STORE}
    return real if any(real.startswith(f"{os.path.realpath(store)}/") for store in stores) else None


def _write(path: str, pieces: Sequence[bytes] | Iterator[bytes]) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)
