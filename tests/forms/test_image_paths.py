"""IMAGE arguments that lead to no image, and what is said of them."""

import os
import subprocess
import sys

import pytest

from checkout import ROOT
from error_line import error_line
from image_maker import ImageMaker


@pytest.fixture
def refused(builder, tmp_path):
    """``refused(IMAGE)``: the error line of list-layers."""
    return lambda image: error_line(builder("list-layers", image, cwd=tmp_path), "list-layers")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("oci:image", "image"),
        ("oci:some/image:1.0", "some/image --image 1.0"),
        ("docker-archive:/x/a.tar", "/x/a.tar"),
        ("oci-archive:a.tar:latest", "a.tar --image latest"),
        ("dir:d", "d"),
    ],
)
def test_skopeos_notation_gets_a_hint(refused, given, expected):
    why = f"bad image: no such file or directory; this looks like skopeo's notation, expected {expected} ({given})"
    assert refused(given) == why


def test_a_dangling_link_is_called_one(refused, tmp_path):
    (tmp_path / "link").symlink_to("/nix/store/gone")
    expected = "bad image: dangling link: it leads to /nix/store/gone, which does not exist (link)"
    assert refused("link") == expected


def test_a_layer_directory_is_called_one(builder, refused, tmp_path):
    layer = ImageMaker(builder, tmp_path).layer("layer", {"a": b""})
    expected = "bad image: found a layer directory, expected an image; mk-image --layer makes one of it"
    assert refused(layer) == f"{expected} ({layer})"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to own files as another user")
def test_a_place_that_may_not_be_entered_is_not_called_missing(need, tmp_path):
    need("setpriv")
    (tmp_path / "locked").mkdir(mode=0o700)
    os.chown(tmp_path / "locked", 65534, 65534)
    without_privileges = ["setpriv", "--bounding-set=-all", sys.executable, "-IB"]
    argv = [*without_privileges, ROOT / "builders" / "list-layers", "locked/image"]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert error_line(ended, "list-layers") == "cannot access: Permission denied (locked/image)"
