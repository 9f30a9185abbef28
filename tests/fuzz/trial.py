"""One case: an image is made, damaged and given to the library; what may come of that is a result or LaminixError."""

import json
import os
import random
import shutil
import traceback

import mutated_images
from limits import LONGEST_LINE, TooSlow, limited

from laminix.errors import LaminixError
from laminix.forms import FORMS, open_image
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
    form = rng.choice(WRITERS)
    packed = os.path.join(directory, "packed")
    try:
        _pack(form, image, packed)
    except LaminixError:
        # A sound image can be packed, but for one without layers and the form that needs one.
        assert problems or form.name == "docker-legacy-archive" and not image.layers
        raise
    if not problems:
        again = open_image(packed, platform=platform)
        assert again.config.diff_ids == image.config.diff_ids
        assert not verify(packed, platform=platform)[1]
    if rng.random() < 0.3:
        os.mkdir(os.path.join(directory, "merged"))
        merge(image, image, rng.choice(MODES), rng.random() < 0.5, os.path.join(directory, "merged"))


def _pack(form, image, path: str) -> None:
    if form.write_directory is not None:
        os.mkdir(path)
        form.write_directory(path, image, image.references)
    else:
        with open(path, "wb") as file:
            file.writelines(form.archive(image, image.references))
