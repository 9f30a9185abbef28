"""verify-image reports what clients read in different ways."""

import pytest

import image_forms
from disputed_layers import LAYERS, REFUSED, REPORTED, WHITEOUTS, WHITEOUTS_OF_NOTHING
from file_trees import write_tar
from laminix.verify.image import verify
from raw_tar import END, member


def problems(tmp_path, layer):
    image = image_forms.Image(layers=(layer,))
    return [str(problem) for problem in verify(write_tar(str(tmp_path / "image"), image_forms.oci_layout(image)))[1]]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_tar_readers_read_in_different_ways(tmp_path, name):
    found = problems(tmp_path, LAYERS[name][0])
    assert bool(found) == (name in REPORTED)
    assert all("engines" in problem for problem in found)


@pytest.mark.parametrize("name", [*REFUSED, *WHITEOUTS_OF_NOTHING])
def test_a_layer_that_no_engine_takes(tmp_path, name):
    assert problems(tmp_path, {**REFUSED, **WHITEOUTS_OF_NOTHING}[name]) != []


@pytest.mark.parametrize("name", WHITEOUTS)
def test_a_whiteout_that_is_no_empty_file(tmp_path, name):
    [problem] = problems(tmp_path, WHITEOUTS[name])
    assert "has the name of a whiteout, but is not an empty file" in problem


def test_what_aufs_left_in_old_images_is_no_problem(tmp_path):
    layer = member(b".wh..wh.aufs") + member(b".wh..wh.plnk/", kind=b"5") + member(b".wh..wh.orph/", kind=b"5") + END
    assert problems(tmp_path, layer) == []
