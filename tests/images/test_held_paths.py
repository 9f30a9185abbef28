"""Which store paths an image's layers hold whole."""

from file_trees import tar, write_tar
from image_forms import Image, oci_layout
from laminix.forms import open_image
from laminix.images.held_paths import held_store_paths

PATH = f"nix/store/{'0' * 32}-a.wh.b"


def held(tmp_path, *layers):
    image = write_tar(str(tmp_path / "image"), oci_layout(Image(tuple(tar(layer) for layer in layers))))
    return held_store_paths(open_image(image), [f"/{PATH}"])


def test_a_path_in_a_layer(tmp_path):
    assert held(tmp_path, {PATH: None, f"{PATH}/f": b"1"}) == {f"/{PATH}"}


def test_a_whiteout_below_a_name_that_looks_like_one(tmp_path):
    assert held(tmp_path, {PATH: None, f"{PATH}/f": b"1"}, {f"{PATH}/.wh.f": b""}) == set()
