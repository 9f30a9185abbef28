"""The verification of an image in any form, from its bytes.

Every image must follow the specifications. Layers made by mk-layer must also have its entry order; with STRICT, all
layers must. A layer counts as made by mk-layer if its history entry says so (``created_by``), because only the
history says which program made a layer.
"""

import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain

from laminix.digest import digest_of, new_hash
from laminix.errors import LaminixError
from laminix.forms import image_in
from laminix.forms.members import Members, open_members
from laminix.images.image import Image
from laminix.images.oci import check_layer_count, layer_history
from laminix.images.reference import Reference, check_name, check_tag
from laminix.layers.layer_directory import CREATED_BY
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.progress import counted
from laminix.timestamp import RFC3339, read_timestamp
from laminix.verify.documents import document_problems
from laminix.verify.layer import layer_problems
from laminix.verify.readings import reading_problems
from laminix.verify.users import user_problems

BAD_IMAGE = "bad image"
MAX_PROBLEMS = 1000
# Members named by their digest: blobs of a layout; configs of Docker's archives and blobs of ``dir:``.
BLOB = re.compile(r"blobs/(sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})")
NAMED_BY_HEX = re.compile(r"([0-9a-f]{64})(?:\.json|\.manifest\.json)?")


def verify(
    path: str,
    image: str | None = None,
    platform: str | None = None,
    strict: bool = False,
    **registry: str | bool | None,
) -> tuple[Image | None, list[LaminixError]]:
    """Return the image at PATH, selected as by ``forms.open_image``, and its problems, without duplicates.

    The image is None if it cannot be read. Raises LaminixError if PATH is neither a directory nor an archive.
    """
    members = open_members(path, **registry)
    try:
        found = image_in(members, image, platform)
        problems = _distinct(_all_problems(members, found, strict))
        # Only without problems: else the layers may not be readable.
        return found, problems or _distinct(user_problems(found))
    except LaminixError as error:
        return None, _distinct(chain([error], blob_problems(members, {error.path})))


def _all_problems(members: Members, image: Image, strict: bool) -> Iterator[LaminixError]:
    yield from blob_problems(members, {layer.location for layer in image.layers})
    yield from document_problems(members, image)
    yield from reading_problems(members, image)
    yield from image_problems(image, strict)


def _distinct(problems: Iterable[LaminixError]) -> list[LaminixError]:
    """Return each of PROBLEMS once; of more than MAX_PROBLEMS, the first ones and an error that says so."""
    distinct: dict[str, LaminixError] = {}
    for problem in problems:
        if len(distinct) == MAX_PROBLEMS and str(problem) not in distinct:
            return [
                *distinct.values(),
                LaminixError(BAD_IMAGE, f"more than {MAX_PROBLEMS} problems; the search ends here"),
            ]
        distinct.setdefault(str(problem), problem)
    return list(distinct.values())


def blob_problems(members: Members, checked: set[str]) -> Iterator[LaminixError]:
    """Yield a problem for each blob whose digest is not that in its name, except for the locations in CHECKED."""
    blobs = members.blobs()
    digests: dict[tuple[Hashable, str], str] = {}  # of contents, which several names may share, by algorithm
    for name in sorted(members.names()):
        if named_digest(name) and members.location(name) not in checked:
            try:
                _check_name(blobs, name, digests)
            except LaminixError as error:
                yield error


def _check_name(blobs: Members, name: str, digests: dict[tuple[Hashable, str], str]) -> None:
    expected = named_digest(name)
    if not blobs.has(name):
        raise LaminixError("dangling link", f"expected a blob with digest {expected}", blobs.location(name))
    key = blobs.content_id(name), expected.partition(":")[0]
    if key not in digests:
        digests[key] = _digest(blobs, name, expected)
    found = digests[key]
    if found != expected:
        why = f"its digest is {found}, its name says {expected}"
        raise LaminixError(BAD_IMAGE, why, blobs.location(name))


def named_digest(name: str) -> str | None:
    """Return the digest in the name of a blob; None if the member is not named by digest."""
    if match := BLOB.fullmatch(name):
        return match[1].replace("/", ":")
    if match := NAMED_BY_HEX.fullmatch(name):
        return f"sha256:{match[1]}"
    return None


def _digest(members: Members, name: str, like: str) -> str:
    """Return the digest of a member, with the algorithm of the digest LIKE."""
    state = new_hash(like)
    with members.open(name) as file:
        while chunk := file.read(CHUNK_SIZE):
            state.update(chunk)
    return digest_of(state)


def image_problems(image: Image, strict: bool) -> Iterator[LaminixError]:
    """Yield the problems of the image's names, config and layers. Each distinct layer is read once."""
    for reference in image.references:
        yield from name_problems(reference)
    yield from config_problems(image)
    history = layer_history(image.config) or [{}] * len(image.layers)
    done = set()
    described = list(zip(image.layers, history))
    for layer, entry in counted(described, "checking layer", len(described)):
        if (layer.location, layer.diff_id) not in done:
            yield from layer_problems(layer, check_order=strict or entry.get("created_by") == CREATED_BY)
        done.add((layer.location, layer.diff_id))


def name_problems(reference: Reference) -> Iterator[LaminixError]:
    """Yield the problems of the reference's tag and name."""
    checks = [(check_tag, reference.tag)] + ([(check_name, reference.name)] if reference.name else [])
    for check, part in checks:
        try:
            check(part)
        except LaminixError as error:
            yield error


def config_problems(image: Image) -> Iterator[LaminixError]:
    """Yield the problems of the config and of its agreement with the layers (image-spec config.md)."""
    raw = image.config.raw
    for key in ("architecture", "os"):
        if not raw.get(key):
            yield LaminixError("bad config", f"{key}: missing or empty")
    kind = (raw.get("rootfs") or {}).get("type")
    if kind != "layers":
        yield LaminixError("bad config", f"rootfs.type: found {kind!r}, expected 'layers'")
    yield from _time_problems("created", image.config.created)
    for index, entry in enumerate(image.config.history):
        yield from _time_problems(f"history[{index}].created", entry.get("created"))
    yield from _count_problems(image)


def _time_problems(json_path: str, time: str | None) -> Iterator[LaminixError]:
    if time is None:
        return
    if not RFC3339.fullmatch(time):
        yield LaminixError("bad config", f"{json_path}: found {time!r}, expected a time in RFC 3339")
        return
    try:
        read_timestamp(time, {})  # finds dates that do not exist
    except LaminixError as error:
        yield LaminixError("bad config", f"{json_path}: {error.why}")


def _count_problems(image: Image) -> Iterator[LaminixError]:
    """Yield a problem if history entries and layers differ in number (no history is valid), or for too many layers."""
    layers = len(image.layers)
    described = sum(not entry.get("empty_layer") for entry in image.config.history)
    if image.config.history and described != layers:
        why = f"history: found {described} entries for layers, expected {layers}"
        yield LaminixError("bad config", why)
    try:
        check_layer_count(layers)
    except LaminixError as error:
        yield error
