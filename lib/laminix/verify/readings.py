"""What clients read in an image in different ways: README.md of this room has the cases and what clients do."""

from collections.abc import Callable, Iterable, Iterator

from laminix import image_json
from laminix.errors import LaminixError
from laminix.forms import docker_archive, oci_layout
from laminix.forms.choice import Candidate
from laminix.forms.docker_documents import MANIFEST, REPOSITORIES
from laminix.forms.members import ArchiveMembers, Members
from laminix.images import shapes
from laminix.images.image import Image
from laminix.images.reference import Reference

BAD_IMAGE = "bad image"
MAX_COMPARED = 64  # images under one name, which an index has for several platforms


def reading_problems(members: Members, image: Image) -> Iterator[LaminixError]:
    """Yield a problem for everything in MEMBERS that clients, or other programs, read in different ways."""
    for check in (_repeated_names, _readings_of_documents, _other_images):
        try:
            yield from check(members, image)
        except LaminixError as error:  # an unreadable document is a problem too
            yield error


def _repeated_names(members: Members, image: Image) -> Iterator[LaminixError]:
    for name in members.repeated if isinstance(members, ArchiveMembers) else ():
        why = f"several members have the name {name!r}; engines read the last one, skopeo the first"
        yield LaminixError(BAD_IMAGE, why, members.place)


def _readings_of_documents(members: Members, image: Image) -> Iterator[LaminixError]:
    for read, shape, place in _documents(members, image):
        readings: dict[str, None] = {}  # in order, each once
        image_json.loads(read(), shape, BAD_IMAGE, place, readings.setdefault)
        yield from (LaminixError(BAD_IMAGE, reading, place) for reading in readings)


def _documents(members: Members, image: Image) -> Iterable[tuple[Callable[[], bytes], image_json.Shape, str]]:
    """Yield for each document how to read it, its shape and its place."""
    named = {oci_layout.INDEX: shapes.INDEX, oci_layout.LAYOUT: shapes.LAYOUT, REPOSITORIES: shapes.REPOSITORIES}
    if docker_archive.recognises(members):
        named[MANIFEST] = shapes.DOCKER_MANIFEST
    for name, shape in named.items():
        if members.has(name):
            yield lambda name=name: members.read(name), shape, members.location(name)
    yield lambda: image.config_bytes, shapes.CONFIG, f"{members.place}: config"
    if image.manifest_bytes is not None:
        yield lambda: image.manifest_bytes, shapes.MANIFEST, f"{members.place}: manifest"


def _other_images(members: Members, image: Image) -> Iterator[LaminixError]:
    """Compare IMAGE with the images that the index beside manifest.json has under the same names."""
    if not docker_archive.recognises(members) or not oci_layout.recognises(members):
        return
    candidates = oci_layout.candidates(members)
    for reference in image.references[:MAX_COMPARED]:
        same = [candidate for candidate in candidates if _is_called(candidate, reference)][:MAX_COMPARED]
        configs = {config for candidate in same if (config := _config(candidate)) is not None}
        if configs and image.config_bytes not in configs:
            why = f"{reference} is another image here than in manifest.json; engines differ in which they load"
            yield LaminixError(BAD_IMAGE, why, members.location(oci_layout.INDEX))


def _is_called(candidate: Candidate, reference: Reference) -> bool:
    return reference.qualified() in {other.qualified() for other in candidate.references if other.name}


def _config(candidate: Candidate) -> bytes | None:
    """Return the config's bytes; None if the image cannot be read, as other platforms of ``docker save`` cannot."""
    try:
        return candidate.read().config_bytes
    except LaminixError:
        return None
