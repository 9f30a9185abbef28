"""What engines make of archives that can be read in different ways: the tables of lib/laminix/verify/README.md."""

import io
import tarfile
import zlib

import pytest

import image_forms
from disputed_documents import CASES
from disputed_layers import LAYERS, REFUSED, WHITEOUTS, WHITEOUTS_OF_NOTHING
from engines import daemon
from engines.every import ENGINES
from engines.program import EngineError
from engines.skopeo import Skopeo
from file_trees import DIRECTORY, tar, write_tar

BASE = tar({"etc": DIRECTORY, "etc/f": b"f", "keep": b"k"})
# These three give an image's files away; containerd alone unpacks with the code that dockerd's containerd store uses.
STORES = ("docker", "docker-containerd", "podman")


@pytest.fixture(scope="module", params=STORES)
def store(request, need):
    """The name of an engine, and the engine."""
    need(*ENGINES[request.param].needs, root=True)
    with daemon.scratch() as scratch, ENGINES[request.param].open(scratch) as engine:
        yield request.param, engine


@pytest.fixture
def unpacked(store, name_of_its_own, tmp_path):
    """``unpacked(layer)``: names and contents of the files that a container sees of LAYER on BASE."""
    _, engine = store

    def files(layer):
        image = image_forms.Image((BASE, layer), {"Cmd": ["/x"]}, name=name_of_its_own)
        archive = write_tar(str(tmp_path / "archive"), image_forms.docker_oci(image))
        return _files(engine.files(engine.load(archive)))

    return files


@pytest.fixture
def name_of_its_own(request):
    """A name of an image.  A failed load leaves the name behind, and a later one would find it there."""
    return f"i{zlib.crc32(request.node.nodeid.encode())}"


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


@pytest.mark.parametrize("name", CASES)
def test_engines_read_documents_as_we_do(store, name_of_its_own, tmp_path, name):
    kind, engine = store
    archive = tmp_path / "archive"
    archive.write_bytes(CASES[name].write(name_of_its_own))
    assert _label(lambda: engine.inspect(engine.load(str(archive)))["Config"]["Labels"]) == _expected(name, kind)


@pytest.mark.parametrize("kind", ["skopeo-docker", "skopeo-oci"])
@pytest.mark.parametrize("name", CASES)
def test_skopeo_reads_documents_as_we_do(need, scratch, tmp_path, kind, name):
    need("skopeo")
    archive = tmp_path / "archive"
    archive.write_bytes(CASES[name].write("name"))
    skopeo = Skopeo(scratch)
    source = f"{kind.removeprefix('skopeo-')}-archive:{archive}"

    def labels():
        skopeo.copy(source, f"dir:{tmp_path}/copy")
        return skopeo.understood_config(source)["config"]["Labels"]

    assert _label(labels) == _expected(name, kind)


def _label(labels):
    """The label ``who`` among LABELS(), or None if the engine refuses the image."""
    try:
        return labels()["who"]
    except EngineError:
        return None


def _expected(name, kind):
    case = CASES[name]
    return case.others[kind] if kind in case.others else case.label
