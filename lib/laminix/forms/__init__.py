"""The forms of images, one module each. ``open_image`` reads an image in any of them."""

import argparse

from laminix.errors import LaminixError
from laminix.forms import dir_transport, docker_archive, docker_legacy_archive, docker_v1_archive, facts, oci_layout
from laminix.forms import registry as registry_form
from laminix.forms import whole_layout
from laminix.forms.choice import Candidate, choose
from laminix.forms.members import BAD_IMAGE, Members, open_members
from laminix.images.image import Image
from laminix.images.platform import Platform, parse_platform
from laminix.images.reference import Reference

# Tried in this order. An archive of Docker 25 is an OCI layout too; its manifest.json takes precedence.
FORMS = (
    registry_form.FORM,
    docker_archive.FORM,
    dir_transport.FORM,
    oci_layout.FORM,
    whole_layout.FORM,
    docker_v1_archive.FORM,
    docker_legacy_archive.FORM,
    facts.FORM,
)


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``open_selected`` on PARSER: IMAGE, --image, --platform and the registry options."""
    add = parser.add_argument
    add(
        "IMAGE",
        metavar="IMAGE",
        help="Image in any form: a directory, an archive (`-` is standard input) or docker://HOST/NAME[:TAG].",
    )
    add("--image", metavar="NAME[:TAG]", help="Select one image of an archive that holds several.")
    add("--platform", metavar="OS/ARCH[/VARIANT]", help="Select one platform (default this machine's).")
    add_registry_options(parser)


def add_registry_options(parser: argparse.ArgumentParser) -> None:
    """Declare on PARSER how to reach the registry of a docker:// image."""
    add = parser.add_argument
    add("--cacert", metavar="FILE", help="Registry: trust the certificate authorities in FILE too.")
    add("--plain-http", action="store_true", help="Registry: use HTTP instead of TLS (default only at loopback).")


def registry_options(options: argparse.Namespace) -> dict[str, str | bool | None]:
    """Return the values of ``add_registry_options``, as keyword arguments of ``open_image``."""
    return {"cacert": options.cacert, "plain_http": options.plain_http}


def open_selected(options: argparse.Namespace) -> Image:
    """Return the image that the OPTIONS of ``add_image_options`` select, as ``open_image`` does."""
    return open_image(options.IMAGE, options.image, options.platform, **registry_options(options))


def open_image(
    path: str, image: str | None = None, platform: str | None = None, **registry: str | bool | None
) -> Image:
    """Return the image at PATH: a directory, an archive (``-``: on standard input) or ``docker://HOST/NAME[:TAG]``.

    IMAGE (NAME[:TAG]) and PLATFORM (OS/ARCH[/VARIANT]) select one of several. The form is recognised by its content.
    REGISTRY is from ``registry_options``. Reads only documents, except in archives from before Docker 1.10: their diff IDs are computed from the layers.
    Raises LaminixError for an invalid image and unless exactly one image is selected.
    """
    return image_in(open_members(path, **registry), image, platform)


def image_in(members: Members, image: str | None = None, platform: str | None = None) -> Image:
    """Return the image in MEMBERS, selected as by ``open_image``."""
    return choose(_candidates(members), image, _wanted(platform), members.place).read()


def open_images(path: str, platform: str | None = None, **registry: str | bool | None) -> list[Image]:
    """Return all images at PATH in the order of the form, of each the one for PLATFORM, as ``open_image`` does."""
    members = open_members(path, **registry)
    by_name: dict[tuple[Reference, ...], list[Candidate]] = {}
    for candidate in _candidates(members):
        by_name.setdefault(candidate.references, []).append(candidate)
    wanted = _wanted(platform)
    return [choose(group, None, wanted, members.place).read() for group in by_name.values()]


def _wanted(platform: str | None) -> Platform | None:
    return parse_platform(platform) if platform is not None else None


def _candidates(members: Members) -> list[Candidate]:
    for form in FORMS:
        if form.recognises is not None and form.recognises(members):
            return form.candidates(members)
    if members.has("layer.json"):
        why = "found a layer directory, expected an image; mk-image --layer makes one of it"
        raise LaminixError(BAD_IMAGE, why, members.place)
    why = "not an image: expected a member index.json, manifest.json or repositories"
    raise LaminixError(BAD_IMAGE, why, members.place)
