"""layer_tar: a stored layer's members, small ones read in one go, large ones beside the check of their bytes."""

import hashlib
import io
import tarfile
from functools import partial
from pathlib import Path

import pytest

from laminix.errors import LaminixError
from laminix.images.image import StoredLayer
from laminix.images.layer_tar import LARGE, checked_members
from laminix.media_types import LAYER_TYPES


@pytest.fixture(params=[10, LARGE], ids=["small", "large"])
def tar(request) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.size = request.param
            writer.addfile(info, io.BytesIO(name.encode() * request.param))
    return file.getvalue()


@pytest.fixture
def stored(tmp_path):
    """``stored(data, digest of)``: a layer of DATA that says to be another."""

    def store(data: bytes, said: bytes) -> StoredLayer:
        path = Path(tmp_path, "layer.tar")
        path.write_bytes(data)
        digest = f"sha256:{hashlib.sha256(said).hexdigest()}"
        opened = partial(open, path, "rb", buffering=0)
        return StoredLayer(digest, LAYER_TYPES["none"], len(data), digest, str(path), opened)

    return store


def test_members_and_contents(stored, tar):
    found = [(entry.path, content.read()) for entry, content in checked_members(stored(tar, tar))]
    assert [path for path, _ in found] == [b"a", b"b"]
    assert all(set(data) == set(path) for path, data in found)


def test_other_bytes_are_refused_at_the_end(stored, tar):
    members = checked_members(stored(tar[:600] + b"x" + tar[601:], tar))
    assert [next(members)[0].path, next(members)[0].path] == [b"a", b"b"]
    with pytest.raises(LaminixError, match=r"its (digest|diff ID) is sha256:.*, expected sha256:"):
        next(members)


def test_damage_is_told(stored, tar):
    with pytest.raises(LaminixError, match="bad layer: "):
        list(checked_members(stored(tar[:-11000], tar)))
