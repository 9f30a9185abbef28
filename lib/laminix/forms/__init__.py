"""Every form of image, each in a module of its own, behind one door: ``open_image``."""

import argparse

from laminix.errors import LaminixError
from laminix.forms import dir_transport, docker_archive, docker_legacy_archive, docker_v1_archive, oci_layout
from laminix.forms.choice import choose
from laminix.images.image import Image
from laminix.forms.members import BAD_IMAGE, Members, open_members
from laminix.images.platform import parse_platform

# In the order in which they are tried: a hybrid archive is a layout, too, and its manifest.json decides.
FORMS = (
    docker_archive.FORM,
    dir_transport.FORM,
    oci_layout.FORM,
    docker_v1_archive.FORM,
    docker_legacy_archive.FORM,
)


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Declare on PARSER what ``open_image`` takes: IMAGE, --image and --platform."""
    add = parser.add_argument
    add("IMAGE", metavar="IMAGE", help="directory or archive of any form; '-': an archive on standard input")
    add("--image", metavar="NAME[:TAG]", help="which image, where there are several")
    add("--platform", metavar="OS/ARCH[/VARIANT]", help="which platform, where there are several")


def open_image(path: str, image: str | None = None, platform: str | None = None) -> Image:
    """The image at PATH, a directory or an archive of any form (``-``: an archive on standard input).

    IMAGE (NAME[:TAG]) and PLATFORM (OS/ARCH[/VARIANT]) choose where there are several.  What forms there
    are is found by looking.  Only documents are read, no layers, except for archives of before Docker 1.10,
    whose diff IDs only the layers tell.  Raises LaminixError for what is no image, or no sound one.
    """
    return image_in(open_members(path), image, platform)


def image_in(
    members: Members, image: str | None = None, platform: str | None = None
) -> Image:
    """The image that MEMBERS hold, otherwise as ``open_image``."""
    wanted = parse_platform(platform) if platform is not None else None
    for form in FORMS:
        if form.recognises is not None and form.recognises(members):
            return choose(form.candidates(members), image, wanted, members.place).read()
    why = "no image: found no index.json, manifest.json or repositories in it"
    raise LaminixError(BAD_IMAGE, why, members.place)
