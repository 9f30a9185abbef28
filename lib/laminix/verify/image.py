"""What is wrong with an image, in any form, recomputed from its bytes.

What the specifications demand is asked of every image.  The order of a layer's members is asked of the
layers that we made, which promise it, and with STRICT of all.
"""

import re
from collections.abc import Iterator

from laminix.digest import new_hash, digest_of
from laminix.errors import LaminixError
from laminix.forms import image_in
from laminix.images.image import Image
from laminix.forms.members import Members, open_members
from laminix.images.oci import check_layer_count, layer_history
from laminix.layers.layer_directory import CREATED_BY
from laminix.progress import counted
from laminix.images.reference import Reference, check_name, check_tag
from laminix.timestamp import RFC3339, read_timestamp
from laminix.verify.documents import document_problems
from laminix.verify.layer import layer_problems
from laminix.verify.users import user_problems
from laminix.parallel.chunks import CHUNK_SIZE

BAD_IMAGE = "bad image"
# Members that are named by their content: blobs of a layout, configs of Docker's archives, ``dir:``.
BLOB = re.compile(r"blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})")
NAMED_BY_HEX = re.compile(r"([0-9a-f]{64})(?:\.json|\.manifest\.json)?")


def verify(
    path: str, image: str | None = None, platform: str | None = None, strict: bool = False
) -> tuple[Image | None, list[LaminixError]]:
    """The image at PATH (chosen as ``forms.open_image`` does) and all that is wrong with it, each once.

    The image is None where it cannot be read at all.  Raises LaminixError where nothing can be.
    """
    members = open_members(path)
    try:
        found = image_in(members, image, platform)
        problems = [*blob_problems(members, {layer.location for layer in found.layers})]
        problems += document_problems(members, found)
        problems += image_problems(found, strict)
        if not problems:  # else the layers may not be readable
            problems += user_problems(found)
    except LaminixError as error:
        found, problems = None, [error, *blob_problems(members, {error.path})]
    return found, list({str(problem): problem for problem in problems}.values())


def blob_problems(members: Members, done: set[str]) -> Iterator[LaminixError]:
    """The members whose content is not what their name promises, but for those whose location is in DONE."""
    blobs = members.blobs()
    for name in sorted(members.names()):
        if named_digest(name) and members.location(name) not in done:
            try:
                _check_name(blobs, name)
            except LaminixError as error:
                yield error


def _check_name(blobs: Members, name: str) -> None:
    promised = named_digest(name)
    found = _digest(blobs, name, promised)
    if found != promised:
        why = f"its digest is {found}, its name says {promised}"
        raise LaminixError(BAD_IMAGE, why, blobs.location(name))


def named_digest(name: str) -> str | None:
    """The digest that the name of a member promises."""
    if match := BLOB.fullmatch(name):
        return match[1].replace("/", ":")
    if match := NAMED_BY_HEX.fullmatch(name):
        return f"sha256:{match[1]}"
    return None


def _digest(members: Members, name: str, like: str) -> str:
    if not members.has(name):
        return "that of nothing: it is a link to something that is missing"
    state = new_hash(like)
    with members.open(name) as file:
        while chunk := file.read(CHUNK_SIZE):
            state.update(chunk)
    return digest_of(state)


def image_problems(image: Image, strict: bool) -> Iterator[LaminixError]:
    """What is wrong with the image's names, config and layers."""
    for reference in image.references:
        yield from name_problems(reference)
    yield from config_problems(image)
    history = layer_history(image.config) or [{}] * len(image.layers)
    done = set()
    described = list(zip(image.layers, history))
    for layer, entry in counted(described, "checking layer", len(described)):
        if (layer.location, layer.diff_id) not in done:  # one that is there twice is read once
            yield from layer_problems(layer, strict or entry.get("created_by") == CREATED_BY)
        done.add((layer.location, layer.diff_id))


def name_problems(reference: Reference) -> Iterator[LaminixError]:
    """The rules that the reference breaks."""
    checks = [(check_tag, reference.tag)] + ([(check_name, reference.name)] if reference.name else [])
    for check, part in checks:
        try:
            check(part)
        except LaminixError as error:
            yield error


def config_problems(image: Image) -> Iterator[LaminixError]:
    """What is wrong with the config, by itself and against the layers (image-spec config.md)."""
    raw = image.config.raw
    for key in ("architecture", "os"):
        if not raw.get(key):
            yield LaminixError("bad config", f"{key}: missing, or empty")
    kind = raw["rootfs"].get("type")
    if kind != "layers":
        yield LaminixError("bad config", f"rootfs.type: found {kind!r}, expected 'layers'")
    yield from _time_problems("created", image.config.created)
    for index, entry in enumerate(image.config.history):
        yield from _time_problems(f"history[{index}].created", entry.get("created"))
    yield from _count_problems(image)


def _time_problems(place: str, time: str | None) -> Iterator[LaminixError]:
    if time is None:
        return
    if not RFC3339.fullmatch(time):
        yield LaminixError("bad config", f"{place}: found {time!r}, expected a time as RFC 3339 has it")
        return
    try:
        read_timestamp(time, {})  # there may be no such day
    except LaminixError as error:
        yield LaminixError("bad config", f"{place}: {error.why}")


def _count_problems(image: Image) -> Iterator[LaminixError]:
    """Numbers that do not fit: of history entries (an image may have none at all), and too many layers."""
    layers = len(image.layers)
    described = sum(not entry.get("empty_layer") for entry in image.config.history)
    if image.config.history and described != layers:
        why = f"history: {described} entries have a layer, there are {layers} layers"
        yield LaminixError("bad config", why)
    try:
        check_layer_count(layers)
    except LaminixError as error:
        yield error
