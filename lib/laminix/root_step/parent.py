"""Parents of a step: unpacked images as they are, all others unpacked first."""

import os
from collections.abc import Callable

from laminix.forms import open_image
from laminix.root_step.unpack import unpack
from laminix.root_step.unpacked import Unpacked, is_unpacked, read_unpacked


def parent_reader(path: str, name: str | None, platform: str | None) -> Callable[[str], Unpacked]:
    """Return a function that reads the image at PATH, which NAME and PLATFORM select.

    It is called with a directory, in which it unpacks the image if need be. Raises LaminixError at once for what is
    no image.
    """
    if is_unpacked(path):
        absolute = os.path.abspath(path)
        return lambda place: read_unpacked(absolute)
    image = open_image(path, name, platform)

    def read(place: str) -> Unpacked:
        directory = os.path.join(place, "parent")
        os.mkdir(directory)
        unpack(image, directory)
        return read_unpacked(directory)

    return read
