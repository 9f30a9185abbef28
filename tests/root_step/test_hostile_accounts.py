"""What an image has in place of /etc/passwd and /etc/group is no file, or not its own: it is not opened."""

import subprocess
import sys

import pytest

from checkout import ROOT
from file_trees import DIRECTORY, Link, tar, write_tar
from image_forms import Image, docker_oci
from raw_tar import END, member

FIFO = member(b"etc/", kind=b"5") + member(b"etc/passwd", kind=b"6") + END
LAYERS = {
    "a FIFO": FIFO,
    "a link to a device": tar({"etc": DIRECTORY, "etc/passwd": Link("/dev/zero")}),
    "a link to a file of this machine": tar({"etc": DIRECTORY, "etc/passwd": Link("/etc/passwd")}),
    "below a link to a directory of this machine": tar({"etc": Link("/etc")}),
    "endless": tar({"etc": DIRECTORY, "etc/passwd": b"x" * (2 << 20) + b"\ndaemon:x:1:1::/:\n"}),
}


@pytest.fixture
def said(tmp_path, need):
    """``said(LAYER, BUILDER, OPTION…)``: what BUILDER says of the image with LAYER."""
    need("unshare", root=True)

    def run(layer, builder, *options):
        config = {"User": "daemon", "Cmd": ["/true"]}
        image = write_tar(str(tmp_path / "image"), docker_oci(Image((LAYERS[layer],), config)))
        command = [sys.executable, "-IB", ROOT / "builders" / builder, image, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode in (1, 125) and done.stderr.count("\n") == 1
        return done.stderr

    return run


@pytest.mark.parametrize("layer", LAYERS)
def test_run_image(said, layer):
    assert "bad user: 'daemon' is not in /etc/passwd" in said(layer, "run-image")


@pytest.mark.parametrize("layer", LAYERS)
def test_mk_bundle(said, tmp_path, layer):
    assert "'daemon' is not in /etc/passwd" in said(layer, "mk-bundle", "--out", tmp_path / "bundle")
