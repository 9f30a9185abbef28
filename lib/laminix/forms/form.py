"""The interface of a form: how to recognise, read and write it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from laminix.forms.choice import Candidate
from laminix.forms.members import Members
from laminix.images.image import Image
from laminix.images.reference import Reference


@dataclass(frozen=True)
class Form:
    """A form in which images are stored or transported. A function is None if the form does not support it."""

    name: str  # its name in pack-image's --format
    recognises: Callable[[Members], bool] | None = None  # returns whether members have this form
    candidates: Callable[[Members], list[Candidate]] | None = None  # returns the images in members
    archive: Callable[[Image, Sequence[Reference]], Iterator[bytes]] | None = None  # yields the chunks of a file
    # Writes into an empty directory. The form decides whether blobs are copied or linked.
    write_directory: Callable[[str, Image, Sequence[Reference]], None] | None = None
