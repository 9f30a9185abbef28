"""The archive that Docker 1.10 to 24 saved: manifest.json lists the layers, and each layer's json names its parent.

Reading such an archive needs manifest.json alone, so ``docker_archive`` reads it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms import archive_writer
from laminix.forms.docker_documents import MANIFEST, REPOSITORIES, manifest_json, repositories_json
from laminix.forms.form import Form
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import compression_of_layer, uncompressed_chunks
from laminix.images.oci import layer_history
from laminix.images.reference import Reference
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.strict_json import dumps
from laminix.tar.writer import END


def archive(image: Image, references: Sequence[Reference]) -> Iterator[bytes]:
    """The archive of IMAGE as Docker 1.10 to 24 saved it, called REFERENCES, its layers uncompressed.

    It follows both specifications of its time: manifest.json lists the layers, and the parents are linked.
    Raises LaminixError where a layer's bytes are not what its diff ID says, and for an image without layers.
    """
    if not image.layers:
        raise LaminixError("cannot pack", "an image without layers has no top layer, which this form needs")
    linked = _linked_layers(image)
    names = [f"{layer_id}/layer.tar" for layer_id in linked]
    # A layer that is there twice is listed by its first name: podman and skopeo refuse links that are listed.
    first = {layer.diff_id: name for layer, name in reversed(list(zip(image.layers, names)))}
    config_name = f"{sha256(image.config_bytes).partition(':')[2]}.json"
    listed = [first[layer.diff_id] for layer in image.layers]
    yield archive_writer.document(MANIFEST, manifest_json(config_name, listed, references))
    yield archive_writer.document(REPOSITORIES, repositories_json(list(linked)[-1], references))
    yield archive_writer.document(config_name, image.config_bytes)
    for layer, name, (layer_id, data) in zip(image.layers, names, linked.items()):
        yield archive_writer.directory(layer_id)
        yield archive_writer.document(f"{layer_id}/VERSION", b"1.0")
        yield archive_writer.document(f"{layer_id}/json", data)
        if first[layer.diff_id] == name:
            yield from _plain_layer(layer, name)
        else:
            yield archive_writer.link(name, f"../{first[layer.diff_id]}")
    yield END


def _linked_layers(image: Image) -> dict[str, bytes]:
    """The ID of each layer as part of this image, and its json, which names its parent; base layer first."""
    linked: dict[str, bytes] = {}
    history = layer_history(image.config) or [{}] * len(image.layers)
    parent = None
    for index, (layer, entry) in enumerate(zip(image.layers, history)):
        document = _layer_json(image, entry, top=index == len(image.layers) - 1)
        # An ID stands for all that is below it, too; so the same layer twice has two.
        layer_id = sha256(dumps({"parent": parent, "diffID": layer.diff_id, **document})).partition(":")[2]
        links = {"id": layer_id} | ({"parent": parent} if parent else {})
        linked[layer_id] = dumps({**links, **document})
        parent = layer_id
    return linked


def _layer_json(image: Image, entry: dict[str, Any], top: bool) -> dict[str, Any]:
    """What a layer's json says besides its links: its history, and at the top how to run the image."""
    platform = image.config.platform
    document = {key: entry[key] for key in ("created", "author", "comment") if entry.get(key)}
    # The loader of that time cannot do without a time.
    document.setdefault("created", image.config.created or "1970-01-01T00:00:01Z")
    if entry.get("created_by"):
        document["container_config"] = {"Cmd": [entry["created_by"]]}
    document |= {"architecture": platform.architecture, "os": platform.os}
    return document | ({"config": image.config.runtime} if top else {})


def _plain_layer(layer: StoredLayer, name: str) -> Iterator[bytes]:
    """The member of a layer's uncompressed tar, whose size has to be known before its bytes."""
    if compression_of_layer(layer) == "none":
        yield from archive_writer.file(name, layer.size, uncompressed_chunks(layer))
        return
    import tempfile  # only compressed layers need it

    with tempfile.TemporaryFile() as spool:
        for chunk in uncompressed_chunks(layer):
            spool.write(chunk)
        size = spool.tell()
        spool.seek(0)
        yield from archive_writer.file(name, size, iter(lambda: spool.read(CHUNK_SIZE), b""))


FORM = Form("docker-legacy-archive", archive=archive)
