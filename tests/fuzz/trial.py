"""One case: an image is made, damaged and given to the library; what may come of that is a result or LaminixError."""

import gzip
import json
import os
import random
import shutil
import traceback

import mutated_images
from limits import LONGEST_LINE, TooSlow, limited

from children import read_file
from file_trees import write_tar
from image_forms import sha256
from laminix import strict_json
from laminix.errors import LaminixError, printable
from laminix.forms import FORMS, open_image
from laminix.images.image import Image
from laminix.images.layer_list import as_json, as_table
from laminix.merge.config_inheritance import MODES
from laminix.merge.merging import merge
from laminix.verify.image import verify

WRITERS = [form for form in FORMS if form.archive or form.write_directory]


def run(seed: int, number: int, directory: str) -> str | None:
    """What went wrong in case NUMBER, with its traceback; None if nothing did.  DIRECTORY is emptied."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    rng = random.Random(f"{seed} {number}")
    path = os.path.join(directory, "image")
    mutated_images.write(rng, mutated_images.members(rng), path)
    write_tar(os.path.join(directory, "secret.tar"), {"f": mutated_images.SECRET})
    try:
        with limited():
            _use(rng, path, directory)
    except LaminixError as error:
        line = str(error)
        return None if line.isprintable() and len(line) <= LONGEST_LINE else f"a bad line: {line[:500]!r}"
    except (Exception, TooSlow):
        return traceback.format_exc()
    return None


def _use(rng: random.Random, path: str, directory: str) -> None:
    """List, verify, pack and merge the image; a sound one stays sound."""
    platform = rng.choice((None, "linux/amd64", "linux/arm64"))
    image, problems = verify(path, platform=platform)
    for problem in problems:
        assert isinstance(problem, LaminixError) and str(problem).isprintable() and len(str(problem)) <= LONGEST_LINE
    image = open_image(path, platform=platform)
    rows = json.loads(as_json(image))
    assert [row["diffID"] for row in rows] == list(image.config.diff_ids)
    assert len(as_table(image).splitlines()) == len(rows) + 1
    assert all(_is_harmless(character) for text in (as_table(image), as_json(image)) for character in printable(text))
    form = rng.choice(WRITERS)
    packed = os.path.join(directory, "packed")
    try:
        _pack(form, image, packed)
    except LaminixError:
        # A sound image can be packed, but for one without layers and the form that needs one.
        assert problems or form.name == "docker-legacy-archive" and not image.layers
        raise
    assert not _holds(packed, mutated_images.SECRET)
    if not problems:
        _check_sound(image)
        again = open_image(packed, platform=platform)
        assert again.config.diff_ids == image.config.diff_ids
        assert not verify(packed, platform=platform)[1]
    if rng.random() < 0.3:
        os.mkdir(os.path.join(directory, "merged"))
        merge(image, image, rng.choice(MODES), rng.random() < 0.5, os.path.join(directory, "merged"))


def _is_harmless(character: str) -> bool:
    """Return whether CHARACTER may go to a terminal: a byte that is not UTF-8 may (PEP 383)."""
    return character == "\n" or character.isprintable() or "\udc80" <= character <= "\udcff"


def _holds(path: str, secret: bytes) -> bool:
    """Return whether SECRET is in the file or in one of the files of the directory PATH."""
    files = [os.path.join(place, name) for place, _, names in os.walk(path) for name in names] or [path]
    return any(secret in read_file(file) for file in files if os.path.isfile(file))


def _check_sound(image: Image) -> None:
    """Check an image without problems by other ways: its documents strictly, its layers with Python's gzip."""
    for document in (image.config_bytes, image.manifest_bytes):
        if document is not None:
            try:
                strict_json.loads(document, "a document that verify-image passes")
            except LaminixError as error:
                raise AssertionError(str(error)) from None
    for layer in image.layers:
        with layer.open() as file:
            data = file.read()
        plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        assert layer.diff_id == f"sha256:{sha256(plain)}", layer


def _pack(form, image, path: str) -> None:
    if form.write_directory is not None:
        os.mkdir(path)
        form.write_directory(path, image, image.references)
    else:
        with open(path, "wb") as file:
            file.writelines(form.archive(image, image.references))
