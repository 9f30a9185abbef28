"""What engines make of archives that can be read in different ways: the tables of lib/laminix/verify/README.md."""

import io
import tarfile

import pytest

import image_forms
from disputed_layers import LAYERS, REFUSED, WHITEOUTS, WHITEOUTS_OF_NOTHING
from engines import daemon
from engines.every import ENGINES
from engines.program import EngineError
from file_trees import DIRECTORY, tar, write_tar

BASE = tar({"etc": DIRECTORY, "etc/f": b"f", "keep": b"k"})
# These three give an image's files away; containerd alone unpacks with the code that dockerd's containerd store uses.
STORES = ("docker", "docker-containerd", "podman")


@pytest.fixture(scope="module", params=STORES)
def unpacked(request, need, tmp_path_factory):
    """``unpacked(layer)``: names and contents of the files that a container sees of LAYER on BASE."""
    need(*ENGINES[request.param].needs, root=True)
    directory = tmp_path_factory.mktemp("images")
    with daemon.scratch() as scratch, ENGINES[request.param].open(scratch) as engine:

        def files(layer):
            # A failed load leaves the name of the image behind, so each has a name of its own.
            name = f"i{len(list(directory.iterdir()))}"
            image = image_forms.Image((BASE, layer), {"Cmd": ["/x"]}, name=name)
            archive = write_tar(directory / name, image_forms.docker_oci(image))
            return _files(engine.files(engine.load(str(archive))))

        yield files


def _files(export):
    with tarfile.open(fileobj=io.BytesIO(export)) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}


@pytest.mark.parametrize("name", LAYERS)
def test_engines_read_layers_as_we_do(unpacked, name):
    layer, expected = LAYERS[name]
    found = unpacked(layer)
    assert {path: found.get(path) for path in expected} == expected
    others = {path for _, paths in LAYERS.values() for path in paths} - expected.keys()
    assert not others & found.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_engines_refuse_what_we_refuse(unpacked, name):
    with pytest.raises(EngineError):
        unpacked(REFUSED[name])


@pytest.mark.parametrize("name", WHITEOUTS)
def test_engines_hide_what_we_hide(unpacked, name):
    found = unpacked(WHITEOUTS[name])
    assert "etc/f" not in found and found["keep"] == b"k"


@pytest.mark.parametrize("name", WHITEOUTS_OF_NOTHING)
def test_engines_refuse_a_whiteout_of_nothing(unpacked, name):
    with pytest.raises(EngineError):
        unpacked(WHITEOUTS_OF_NOTHING[name])
