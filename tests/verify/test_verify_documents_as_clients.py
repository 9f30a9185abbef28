"""Documents of images are read as engines read them, and verify-image reports what others read in another way.

tests/engines/test_as_the_clients_read.py asks the engines about the same images.
"""

import pytest

from disputed_documents import CASES
from laminix.errors import LaminixError
from laminix.forms import open_image
from laminix.verify.image import verify


@pytest.fixture
def image(request, tmp_path):
    """The path of the image of the case."""
    path = tmp_path / "image"
    path.write_bytes(CASES[request.param].write("name"))
    return str(path), CASES[request.param]


@pytest.mark.parametrize("image", CASES, indirect=True)
def test_is_read_as_engines_read_it(image):
    path, case = image
    if case.label is None:
        with pytest.raises(LaminixError):
            open_image(path)
    else:
        assert open_image(path).config.runtime["Labels"]["who"] == case.label


@pytest.mark.parametrize("image", CASES, indirect=True)
def test_is_reported(image):
    path, case = image
    problems = [str(problem) for problem in verify(path)[1]]
    assert bool(problems) == case.reported, problems
