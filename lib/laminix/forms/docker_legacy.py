"""Docker's archives of before 1.10: ``repositories`` names top layers, and each layer's json its parent.

(image/spec/v1.md of Docker.)  There is no list of layers and no diff ID: both are found by following the
parents, and by reading the layers.
"""

import hashlib
from functools import partial

from laminix import descriptor as types
from laminix import strict_json
from laminix.digest import written
from laminix.errors import LaminixError
from laminix.forms.choice import Candidate
from laminix.image import Image, StoredLayer
from laminix.members import WHAT, ArchiveMembers, DirectoryMembers
from laminix.oci import Config, read_config
from laminix.platform import Platform
from laminix.reference import Reference, check_name, check_tag
from laminix.strict_json import Value
from laminix.uncompress import compression_of, uncompressed

REPOSITORIES = "repositories"
PIECE = 1 << 20


# Reading.


def recognises(members: DirectoryMembers | ArchiveMembers) -> bool:
    """Whether MEMBERS have a ``repositories``."""
    return members.has(REPOSITORIES)


def candidates(members: DirectoryMembers | ArchiveMembers) -> list[Candidate]:
    """The images that ``repositories`` names; one with several names is there once."""
    names: dict[str, list[Reference]] = {}
    document = strict_json.loads(members.read(REPOSITORIES), "bad repositories", members.location(REPOSITORIES))
    for repository, tags in document.items():
        for tag, top in tags.items():
            names.setdefault(top.text(), []).append(_reference(repository, tag, top))
    if not names:
        raise document.error("it names no image")
    return [_candidate(members, top, tuple(references)) for top, references in names.items()]


def _reference(name: str, tag: str, value: Value) -> Reference:
    try:
        return Reference(check_name(name), check_tag(tag))
    except LaminixError as error:
        raise value.error(error.why) from None


def _candidate(members: DirectoryMembers | ArchiveMembers, top: str, references: tuple[Reference, ...]) -> Candidate:
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
    stored, plain = hashlib.sha256(), hashlib.sha256()
    start = b""
    with members.open(name) as file:

        def pieces():
            nonlocal start
            while piece := file.read(PIECE):
                start = start or piece
                stored.update(piece)
                yield piece

        for piece in uncompressed(pieces(), members.location(name)):
            plain.update(piece)
    return compression_of(start), written(stored), written(plain)


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
