"""What a form of image declares: how to recognise it, how to read it, how to write it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from laminix.forms.choice import Candidate
from laminix.forms.members import Members
from laminix.images.image import Image
from laminix.images.reference import Reference


@dataclass(frozen=True)
class Form:
    """A form in which images are stored or transported. Each part is None where the form has no such part."""

    name: str  # as pack-image's --format names it
    recognises: Callable[[Members], bool] | None = None
    candidates: Callable[[Members], list[Candidate]] | None = None  # the images in it
    archive: Callable[[Image, Sequence[Reference]], Iterator[bytes]] | None = None  # the file, in chunks
    write_directory: Callable[[str, Image, Sequence[Reference]], None] | None = None  # into an empty directory
