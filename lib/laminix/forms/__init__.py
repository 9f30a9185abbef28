"""The forms of images, one module each. ``open_image`` reads an image in any of them."""

import argparse

from laminix.errors import LaminixError
from laminix.forms import dir_transport, docker_archive, docker_legacy_archive, docker_v1_archive, oci_layout
from laminix.forms.choice import choose
from laminix.images.image import Image
from laminix.forms.members import BAD_IMAGE, Members, open_members
from laminix.images.platform import parse_platform

# Tried in this order. An archive of Docker 25 is an OCI layout too; its manifest.json takes precedence.
FORMS = (
    docker_archive.FORM,
    dir_transport.FORM,
    oci_layout.FORM,
    docker_v1_archive.FORM,
    docker_legacy_archive.FORM,
)


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``open_image`` on PARSER: IMAGE, --image and --platform."""
    add = parser.add_argument
    add("IMAGE", metavar="IMAGE", help="Image in any form, a directory or an archive; `-` is standard input.")
    add("--image", metavar="NAME[:TAG]", help="Select one image of an archive that holds several.")
    add("--platform", metavar="OS/ARCH[/VARIANT]", help="Select one platform (default this machine's).")


def open_image(path: str, image: str | None = None, platform: str | None = None) -> Image:
    """Return the image at PATH, a directory or an archive (``-``: an archive on standard input).

    IMAGE (NAME[:TAG]) and PLATFORM (OS/ARCH[/VARIANT]) select one of several. The form is recognised by its content.
    Reads only documents, except in archives from before Docker 1.10: their diff IDs are computed from the layers.
    Raises LaminixError for an invalid image and unless exactly one image is selected.
    """
    return image_in(open_members(path), image, platform)


def image_in(members: Members, image: str | None = None, platform: str | None = None) -> Image:
    """Return the image in MEMBERS, selected as by ``open_image``."""
    wanted = parse_platform(platform) if platform is not None else None
    for form in FORMS:
        if form.recognises is not None and form.recognises(members):
            return choose(form.candidates(members), image, wanted, members.place).read()
    why = "not an image: expected a member index.json, manifest.json or repositories"
    raise LaminixError(BAD_IMAGE, why, members.place)
