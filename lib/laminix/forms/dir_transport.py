"""skopeo's ``dir:`` form: a directory with manifest.json, and each blob named by the hex part of its digest."""

import os
from collections.abc import Sequence

from laminix import image_json
from laminix.digest import sha256
from laminix.forms.blobs import Blobs, image_of_manifest, index_candidates
from laminix.forms.choice import Candidate
from laminix.forms.docker_documents import MANIFEST, starts_object
from laminix.forms.form import Form
from laminix.forms.members import Members
from laminix.forms.writing import (
    copy_layer,
    distinct_layers,
    link_to_store,
    names_config,
    oci_manifest_bytes,
    write_chunks,
)
from laminix.image_json import Shape
from laminix.images.image import Image
from laminix.images.layer_bytes import with_digest
from laminix.images.oci import read_index, read_manifest
from laminix.images.reference import Reference
from laminix.images.shapes import INDEX
from laminix.images.shapes import MANIFEST as IMAGE_MANIFEST
from laminix.strict_json import Value

VERSION = b"Directory Transport Version: 1.1\n"


# Reading.


def recognises(members: Members) -> bool:
    """Return whether MEMBERS have this form: manifest.json is an object (in a docker archive it is a list)."""
    return members.has(MANIFEST) and starts_object(members.read(MANIFEST))


def candidates(members: Members) -> list[Candidate]:
    """Return the image of manifest.json, or the images if it is an index."""
    blobs = Blobs(members.blobs(), _hex, lambda digest: f"{_hex(digest)}.manifest.json")
    index = _document(members, INDEX)
    if "manifests" in index.raw:
        return index_candidates(blobs, read_index(index))
    document = _document(members, IMAGE_MANIFEST)

    def read() -> Image:
        return image_of_manifest(blobs, members.read(MANIFEST), read_manifest(document), ())

    return [Candidate((), lambda: read().config.platform, read)]


def _document(members: Members, shape: Shape) -> Value:
    return image_json.loads(members.read(MANIFEST), shape, "bad manifest", members.location(MANIFEST))


def _hex(digest: str) -> str:
    return digest.partition(":")[2]


# Writing.


def write_linked_directory(directory: str, image: Image, references: Sequence[Reference]) -> None:
    """Write IMAGE into the empty DIRECTORY. Blobs in the Nix store become symbolic links; others are copied.

    Ignores REFERENCES, which this form cannot store. Raises LaminixError if a copied layer has a wrong digest.
    """
    layers = [with_digest(layer) for layer in image.layers]
    for layer in distinct_layers(layers):
        blob = os.path.join(directory, _hex(layer.digest))
        if not link_to_store(blob, layer.file):
            copy_layer(layer, blob)
    manifest = image.manifest_bytes if names_config(image) else oci_manifest_bytes(image, layers)
    write_chunks(os.path.join(directory, _hex(sha256(image.config_bytes))), [image.config_bytes])
    write_chunks(os.path.join(directory, MANIFEST), [manifest])
    write_chunks(os.path.join(directory, "version"), [VERSION])


FORM = Form("dir", recognises=recognises, candidates=candidates, write_directory=write_linked_directory)
