"""Docker's archives before 1.10: ``repositories`` names top layers, each layer's json its parent (image/spec/v1.md).

These archives have neither a list of layers nor diff IDs. Parent links give the list, and the layers' bytes the
diff IDs.
"""

from functools import partial

from laminix import image_json, media_types
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of, uncompressed
from laminix.errors import LaminixError
from laminix.forms.choice import Candidate
from laminix.forms.docker_documents import REPOSITORIES
from laminix.forms.form import Form
from laminix.forms.members import BAD_IMAGE, Members
from laminix.images import shapes
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import digest_of_chunks
from laminix.images.oci import Config, read_config
from laminix.images.platform import Platform
from laminix.images.reference import Reference
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.consumer_thread import ConsumerThread
from laminix.strict_json import Value


def recognises(members: Members) -> bool:
    """Return whether MEMBERS include ``repositories``."""
    return members.has(REPOSITORIES)


def candidates(members: Members) -> list[Candidate]:
    """Return each image in ``repositories`` once, with all of its names. Raises LaminixError if there is none."""
    names: dict[str, list[Reference]] = {}
    data, location = members.read(REPOSITORIES), members.location(REPOSITORIES)
    document = image_json.loads(data, shapes.REPOSITORIES, "bad repositories", location)
    for repository, tags in document.items():
        for tag, top in tags.items():
            names.setdefault(top.text(), []).append(Reference(repository, tag))
    if not names:
        raise document.error("found no image, expected a name and a tag")
    return [_candidate(members, top, tuple(references)) for top, references in names.items()]


def _candidate(members: Members, top: str, references: tuple[Reference, ...]) -> Candidate:
    def platform() -> Platform:
        return _platform(_image_json(members, top))

    return Candidate(references, platform, partial(_read, members, top, references))


def _read(members: Members, top: str, references: tuple[Reference, ...]) -> Image:
    chain = parent_chain(members, top)
    layers = tuple(_layer(members, layer_id) for layer_id, _ in chain)
    config = _config([document for _, document in chain], [layer.diff_id for layer in layers])
    return Image(references, config.to_bytes(), config, layers)


def parent_chain(members: Members, top: str) -> list[tuple[str, Value]]:
    """Return ID and json of each layer of the image with the top layer TOP, base layer first.

    Raises LaminixError if a parent is missing or a layer is its own ancestor.
    """
    chain: dict[str, Value] = {}
    current: str | None = top
    while current is not None:
        if current in chain:
            raise LaminixError(BAD_IMAGE, f"parent loop: layer {current!r} is its own ancestor", members.place)
        chain[current] = _image_json(members, current)
        parent = chain[current].get("parent")
        current = parent.text() or None if parent else None
    return list(reversed(chain.items()))


def _image_json(members: Members, layer_id: str) -> Value:
    name = f"{layer_id}/json"
    if not members.has(name):
        raise LaminixError(BAD_IMAGE, f"layer is missing: expected a member {name!r}", members.place)
    return image_json.loads(members.read(name), shapes.CONFIG, "bad layer json", members.location(name))


def _layer(members: Members, layer_id: str) -> StoredLayer:
    name = f"{layer_id}/layer.tar"
    if not members.has(name):
        raise LaminixError(BAD_IMAGE, f"layer {name!r} is missing", members.place)
    compression, digest, diff_id = _digests(members, name)
    return StoredLayer(
        diff_id=diff_id,
        media_type=media_types.LAYER_TYPES[compression],
        size=members.size(name),
        digest=digest,
        location=members.location(name),
        open=partial(members.open, name),
        file=members.file(name),
    )


def _digests(members: Members, name: str) -> tuple[str, str, str]:
    """Return compression, digest and diff ID of a layer, computed from its bytes."""
    with members.open(name) as file:
        compression = compression_of(file.read(LONGEST_MAGIC))
    if compression not in media_types.LAYER_TYPES:
        known = ", ".join(media_types.LAYER_TYPES)
        raise LaminixError("bad layer", f"found {compression}, expected {known}", members.location(name))
    with members.open(name) as file, ConsumerThread(digest_of_chunks) as stored:
        chunks = stored.through(iter(lambda: file.read(CHUNK_SIZE), b""))
        diff_id = digest_of_chunks(uncompressed(chunks, members.location(name)))
        return compression, stored.result(), diff_id


def _platform(document: Value) -> Platform:
    architecture, os_name = document.get("architecture"), document.get("os")
    # The first images do not state a platform; Docker supported only this one.
    return Platform(os_name.text() if os_name else "linux", architecture.text() if architecture else "amd64")


def _config(chain: list[Value], diff_ids: list[str]) -> Config:
    """Return the config as Docker 1.10 converts it: the top layer's, with the history of all layers in CHAIN."""
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
    """Return a layer's history entry, made from its json."""
    entry = {key: document.get(key) for key in ("created", "author", "comment")}
    command = document.get("container_config")
    words = command.get("Cmd") if command else None
    found = {key: value.text() for key, value in entry.items() if value}
    return found | ({"created_by": " ".join(words.texts())} if words else {})


FORM = Form("docker-v1-archive", recognises=recognises, candidates=candidates)
