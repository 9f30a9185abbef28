"""Docker's archives of before 1.10: ``repositories`` names top layers, and each layer's json its parent.

(image/spec/v1.md of Docker.)  There is no list of layers and no diff ID: both are found by following the
parents, and by reading the layers.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from laminix import strict_json
from laminix.forms import archive_writer
from laminix import descriptor as types
from laminix.parallel.consumer_thread import Beside
from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms.choice import Candidate
from laminix.forms.docker_archive import MANIFEST, manifest_json, repositories_json
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import compression_of_layer, hashed, plain_pieces
from laminix.forms.members import WHAT, ArchiveMembers, DirectoryMembers
from laminix.images.oci import Config, layer_history, read_config
from laminix.images.platform import Platform
from laminix.images.reference import Reference
from laminix.strict_json import Value, dumps
from laminix.tar.writer import END
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.parallel.chunks import PIECE

REPOSITORIES = "repositories"


# Reading.


def recognises(members: DirectoryMembers | ArchiveMembers) -> bool:
    """Whether MEMBERS have a ``repositories``."""
    return members.has(REPOSITORIES)


def candidates(members: DirectoryMembers | ArchiveMembers) -> list[Candidate]:
    """The images that ``repositories`` names; one with several names is there once."""
    names: dict[str, list[Reference]] = {}
    data, location = members.read(REPOSITORIES), members.location(REPOSITORIES)
    document = strict_json.loads(data, "bad repositories", location)
    for repository, tags in document.items():
        for tag, top in tags.items():
            names.setdefault(top.text(), []).append(Reference(repository, tag))
    if not names:
        raise document.error("it names no image")
    return [_candidate(members, top, tuple(references)) for top, references in names.items()]


def _candidate(
    members: DirectoryMembers | ArchiveMembers, top: str, references: tuple[Reference, ...]
) -> Candidate:
    def platform() -> Platform:
        return _platform(_image_json(members, top))

    return Candidate(references, platform, partial(_read, members, top, references))


def _read(members: DirectoryMembers | ArchiveMembers, top: str, references: tuple[Reference, ...]) -> Image:
    chain = parent_chain(members, top)
    layers = tuple(_layer(members, layer_id) for layer_id, _ in chain)
    config = _config([document for _, document in chain], [layer.diff_id for layer in layers])
    return Image(references, config.to_bytes(), config, layers)


def parent_chain(members: DirectoryMembers | ArchiveMembers, top: str) -> list[tuple[str, Value]]:
    """ID and json of every layer of the image whose top layer is TOP, base layer first, by parent links.

    Raises LaminixError for a parent that is missing and for parents in a circle.
    """
    chain: dict[str, Value] = {}
    current: str | None = top
    while current is not None:
        if current in chain:
            raise LaminixError(WHAT, f"the parents of {top!r} run in a circle, at {current!r}", members.place)
        chain[current] = _image_json(members, current)
        parent = chain[current].get("parent")
        current = parent.text() or None if parent else None
    return list(reversed(chain.items()))


def _image_json(members: DirectoryMembers | ArchiveMembers, layer_id: str) -> Value:
    name = f"{layer_id}/json"
    if not members.has(name):
        raise LaminixError(WHAT, f"a parent is missing: there is no {name!r} in it", members.place)
    return strict_json.loads(members.read(name), "bad layer json", members.location(name))


def _layer(members: DirectoryMembers | ArchiveMembers, layer_id: str) -> StoredLayer:
    name = f"{layer_id}/layer.tar"
    if not members.has(name):
        raise LaminixError(WHAT, f"the layer {name!r} is missing in it", members.place)
    compression, digest, diff_id = _digests(members, name)
    return StoredLayer(
        diff_id=diff_id,
        media_type=types.LAYER_TYPES[compression],
        size=members.size(name),
        digest=digest,
        location=members.location(name),
        open=partial(members.open, name),
        file=members.file(name),
    )


def _digests(members: DirectoryMembers | ArchiveMembers, name: str) -> tuple[str, str, str]:
    """Compression, digest and diff ID of a layer, which only its bytes tell."""
    with members.open(name) as file:
        compression = compression_of(file.read(LONGEST_MAGIC))
    if compression not in types.LAYER_TYPES:
        known = ", ".join(types.LAYER_TYPES)
        raise LaminixError("bad layer", f"found {compression}, expected {known}", members.location(name))
    with members.open(name) as file, Beside(hashed) as stored:
        pieces = stored.through(iter(lambda: file.read(PIECE), b""))
        diff_id = hashed(uncompressed(pieces, members.location(name)))
        return compression, stored.result(), diff_id


def _platform(document: Value) -> Platform:
    architecture, os_name = document.get("architecture"), document.get("os")
    # The first images said nothing: Docker ran on nothing else then.
    return Platform(os_name.text() if os_name else "linux", architecture.text() if architecture else "amd64")


def _config(chain: list[Value], diff_ids: list[str]) -> Config:
    """The config that Docker 1.10 made of an older image: the top layer's, and a history of all of them."""
    top = chain[-1]
    platform = _platform(top)
    runtime = top.get("config")
    created = top.get("created")
    document = {
        "created": created.text() if created else None,
        "architecture": platform.architecture,
        "os": platform.os,
        "config": runtime.raw if runtime else {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [_history(layer) for layer in chain],
    }
    document = {key: value for key, value in document.items() if value is not None}
    return read_config(Value(document, top.what, top.place))


def _history(document: Value) -> dict[str, str]:
    """The history entry of a layer, from its json."""
    entry = {key: document.get(key) for key in ("created", "author", "comment")}
    command = document.get("container_config")
    words = command.get("Cmd") if command else None
    found = {key: value.text() for key, value in entry.items() if value}
    return found | ({"created_by": " ".join(words.texts())} if words else {})


# Writing.


def pieces(image: Image, references: Sequence[Reference]) -> Iterator[bytes]:
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
        yield from archive_writer.file(name, layer.size, plain_pieces(layer))
        return
    import tempfile  # only compressed layers need it

    with tempfile.TemporaryFile() as spool:
        for piece in plain_pieces(layer):
            spool.write(piece)
        size = spool.tell()
        spool.seek(0)
        yield from archive_writer.file(name, size, iter(lambda: spool.read(PIECE), b""))
