"""Checks that the documents of an image agree: index, manifest.json, repositories and parent links."""

from collections.abc import Iterable, Iterator

from laminix import image_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms import docker_archive, docker_v1_archive, oci_layout
from laminix.forms.choice import Candidate
from laminix.forms.docker_documents import REPOSITORIES
from laminix.forms.members import Members
from laminix.images import shapes
from laminix.images.image import Image
from laminix.images.oci import NAME_ANNOTATION, TAG_ANNOTATION, read_index
from laminix.images.platform import Platform
from laminix.images.reference import read_reference
from laminix.strict_json import Value

BAD_IMAGE = "bad image"
VERSION = b"1.0"  # content of VERSION in a layer's directory, before Docker 25


def document_problems(members: Members, image: Image) -> Iterator[LaminixError]:
    """Yield every disagreement of the documents in MEMBERS about IMAGE and about names."""
    checks = (_index_problems, _name_problems, _link_problems)
    for check in checks:
        try:
            yield from check(members, image)
        except LaminixError as error:  # an unreadable document is a problem too
            yield error


def _index_problems(members: Members, image: Image) -> Iterator[LaminixError]:
    if not oci_layout.recognises(members):
        return
    location = members.location(oci_layout.INDEX)
    if image.manifest_bytes is None:
        why = "no image in the index has the config that manifest.json names"
        yield LaminixError(BAD_IMAGE, why, location)
        return
    index = read_index(image_json.loads(members.read(oci_layout.INDEX), shapes.INDEX, BAD_IMAGE, location))
    for number, descriptor in enumerate(index.manifests):
        if descriptor.digest == sha256(image.manifest_bytes):
            for why in _descriptor_faults(descriptor, image):
                yield LaminixError(BAD_IMAGE, f"manifests[{number}].{why}", location)


def _descriptor_faults(descriptor: Descriptor, image: Image) -> Iterator[str]:
    stated = descriptor.others.get("platform")
    if stated:
        platform = Platform(stated["os"], stated["architecture"], stated.get("variant") or "")
        if not platform.same_machine(image.config.platform):
            yield f"platform: found {platform}, expected {image.config.platform} as in the config"
    annotations = descriptor.others.get("annotations") or {}
    tag, name = annotations.get(TAG_ANNOTATION), annotations.get(NAME_ANNOTATION)
    if tag and name and tag not in (name, read_reference(name).tag):
        yield f"annotations: the name is {name!r}, but the tag is {tag!r}"


def _name_problems(members: Members, image: Image) -> Iterator[LaminixError]:
    """Compare the names in manifest.json with those in repositories and in the index."""
    if not docker_archive.recognises(members):
        return
    listed = _names(docker_archive.candidates(members))
    if docker_v1_archive.recognises(members):
        others = _names(_linked_images(members))
        if others != listed:
            yield _name_problem(members, listed, REPOSITORIES, others)
    if oci_layout.recognises(members):
        others = _names(oci_layout.candidates(members))
        if others and others != listed:
            yield _name_problem(members, listed, oci_layout.INDEX, others)


def _name_problem(members: Members, listed: set[str], name: str, others: set[str]) -> LaminixError:
    listed_text, other_text = (", ".join(sorted(names)) or "none" for names in (listed, others))
    why = f"names disagree: {other_text} here, {listed_text} in manifest.json"
    return LaminixError(BAD_IMAGE, why, members.location(name))


def _names(candidates: Iterable[Candidate]) -> set[str]:
    references = (reference for candidate in candidates for reference in candidate.references)
    return {reference.qualified() for reference in references if reference.name}


def _linked_images(members: Members) -> list[Candidate]:
    """Return the images in ``repositories``, which may be empty if there is a manifest.json."""
    return docker_v1_archive.candidates(members) if _repositories(members).expect(dict) else []


def _repositories(members: Members) -> Value:
    name = REPOSITORIES
    return image_json.loads(members.read(name), shapes.REPOSITORIES, "bad repositories", members.location(name))


def _link_problems(members: Members, image: Image) -> Iterator[LaminixError]:
    """Check the linked list of layers of Docker before 1.10, and compare it with the image's list of layers."""
    if not docker_v1_archive.recognises(members):
        return
    names = {reference.qualified() for reference in image.references}
    for candidate, top in zip(_linked_images(members), _tops(members)):
        # Since Docker 25, ``repositories`` names a blob, and there is no linked list.
        if names & _names([candidate]) and members.has(f"{top}/json"):
            chain = docker_v1_archive.parent_chain(members, top)
            for layer_id, document in chain:
                yield from _directory_problems(members, layer_id, document)
            # A top layer without a parent, above other layers: the archive has no links, as those of old nixpkgs.
            if len(chain) > 1 or len(image.layers) <= 1:
                yield from _list_problems(members, candidate.read(), image)


def _tops(members: Members) -> list[str]:
    """Return the top layers that ``repositories`` names, each once, in the order of its candidates."""
    tops = (top.text() for _, tags in _repositories(members).items() for _, top in tags.items())
    return list(dict.fromkeys(tops))


def _directory_problems(members: Members, layer_id: str, document: Value) -> Iterator[LaminixError]:
    name = f"{layer_id}/VERSION"
    found = members.read(name) if members.has(name) else VERSION
    if found.strip() != VERSION:
        yield LaminixError(BAD_IMAGE, f"found {found!r}, expected {VERSION!r}", members.location(name))
    if document["id"].text() != layer_id:
        yield document["id"].error(f"found {document['id'].raw!r}, its directory says {layer_id!r}")


def _list_problems(members: Members, linked: Image, image: Image) -> Iterator[LaminixError]:
    if linked.config.diff_ids != image.config.diff_ids:
        listed_ids, linked_ids = (", ".join(config.diff_ids) for config in (image.config, linked.config))
        why = f"parent links and manifest.json disagree: diff IDs {linked_ids} and {listed_ids}"
        yield LaminixError(BAD_IMAGE, why, members.location(REPOSITORIES))
