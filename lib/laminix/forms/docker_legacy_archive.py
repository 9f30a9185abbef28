"""The archive of Docker 1.10 to 24: manifest.json lists the layers, and each layer's json names its parent.

This module only writes it. ``docker_archive`` reads it, because manifest.json contains everything needed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms import archive_writer
from laminix.forms.docker_documents import MANIFEST, REPOSITORIES, Listed, manifest_json, repositories_json
from laminix.forms.form import Form
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import compression_of_layer, uncompressed_chunks
from laminix.images.oci import layer_history
from laminix.images.reference import Reference
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.strict_json import dumps
from laminix.tar.writer import END
from laminix.write_errors import temporary_write_errors


def archive(image: Image, references: Sequence[Reference]) -> Iterator[bytes]:
    """Yield an archive of IMAGE as Docker 1.10 to 24 saves it, named by REFERENCES, with uncompressed layers.

    The archive follows Docker's image specifications 1.0 (parent links) and 1.2 (manifest.json).
    Raises LaminixError if a layer's diff ID is wrong, and for an image without layers.
    """
    if not image.layers:
        raise LaminixError("cannot pack", "the image has no layers, but this form needs at least one")
    linked = _linked_layers(image)
    names = [f"{layer_id}/layer.tar" for layer_id in linked]
    # A repeated layer is listed by its first name: podman and skopeo refuse a link in the list.
    first = {layer.diff_id: name for layer, name in reversed(list(zip(image.layers, names)))}
    checked = set()  # locations of blobs that have the diff ID that they claim
    config_name = f"{sha256(image.config_bytes).partition(':')[2]}.json"
    layer_names = [first[layer.diff_id] for layer in image.layers]
    listed = Listed(config_name, layer_names, list(linked)[-1], references)
    yield archive_writer.document(MANIFEST, manifest_json([listed]))
    yield archive_writer.document(REPOSITORIES, repositories_json([listed]))
    yield archive_writer.document(config_name, image.config_bytes)
    for layer, name, (layer_id, data) in zip(image.layers, names, linked.items()):
        yield archive_writer.directory(layer_id)
        yield archive_writer.document(f"{layer_id}/VERSION", b"1.0")
        yield archive_writer.document(f"{layer_id}/json", data)
        if first[layer.diff_id] == name:
            yield from _plain_layer(layer, name)
        else:
            if layer.location not in checked:
                _check_diff_id(layer)
            yield archive_writer.link(name, f"../{first[layer.diff_id]}")
        checked.add(layer.location)
    yield END


def _check_diff_id(layer: StoredLayer) -> None:
    """Raise LaminixError if LAYER, another blob with the diff ID of an earlier layer, is not the same tar."""
    for _ in uncompressed_chunks(layer):
        pass


def _linked_layers(image: Image) -> dict[str, bytes]:
    """Return the ID of each layer in this image and its json, which names the parent; base layer first."""
    linked: dict[str, bytes] = {}
    history = layer_history(image.config) or [{}] * len(image.layers)
    parent = None
    for index, (layer, entry) in enumerate(zip(image.layers, history)):
        document = _layer_json(image, entry, top=index == len(image.layers) - 1)
        # The ID depends on all layers below, so a repeated layer gets two IDs.
        layer_id = sha256(dumps({"parent": parent, "diffID": layer.diff_id, **document})).partition(":")[2]
        links = {"id": layer_id} | ({"parent": parent} if parent else {})
        linked[layer_id] = dumps({**links, **document})
        parent = layer_id
    return linked


def _layer_json(image: Image, entry: dict[str, Any], top: bool) -> dict[str, Any]:
    """Return a layer's json without its ID and parent: its history, and for the top layer the ``config`` object."""
    platform = image.config.platform
    document = {key: entry[key] for key in ("created", "author", "comment") if entry.get(key)}
    # Docker's loader requires a time.
    document.setdefault("created", image.config.created or "1970-01-01T00:00:01Z")
    if entry.get("created_by"):
        document["container_config"] = {"Cmd": [entry["created_by"]]}
    document |= {"architecture": platform.architecture, "os": platform.os}
    return document | ({"config": image.config.runtime} if top else {})


def _plain_layer(layer: StoredLayer, name: str) -> Iterator[bytes]:
    """Yield the member with a layer's uncompressed tar. A compressed layer is spooled: the size comes first."""
    if compression_of_layer(layer) == "none":
        yield from archive_writer.file(name, layer.size, uncompressed_chunks(layer))
        return
    import tempfile  # only compressed layers need it

    with temporary_write_errors(), tempfile.TemporaryFile() as spool:
        spool.writelines(uncompressed_chunks(layer))
        size = spool.tell()
        spool.seek(0)
        yield from archive_writer.file(name, size, iter(lambda: spool.read(CHUNK_SIZE), b""))


FORM = Form("docker-legacy-archive", archive=archive)
