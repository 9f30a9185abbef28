"""Generated images on generated parents: umoci and podman unpack the tree that laminix computes."""

import io
import tarfile

import pytest

import generated_children
from children import layer_tars
from engines import podman, umoci
from engines.podman import Podman
from engines.umoci import Umoci
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry, Owner
from layer_notation import shown, tree

SEEDS = range(30)
SEEDS_FOR_PODMAN = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_child_has_its_files_with_and_without_skip_existing(tmp_path, seed):
    case = generated_children.generate(seed)
    images = generated_children.merged(case, str(tmp_path))
    if images is not None:
        one, other = (tree(layer_tars(image)) for image in images)
        assert one == other
        assert generated_children.faults(case, images[0]) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_umoci_unpacks_the_same_tree(need, tmp_path, seed):
    need(*umoci.NEEDS, root=True)
    engine = Umoci(str(tmp_path))
    for image in generated_children.merged(generated_children.generate(seed), str(tmp_path)) or ():
        rootfs = engine.unpack(f"{image}:v1") + "/rootfs"
        assert generated_children.tree_on_disk(rootfs) == tree(layer_tars(image))


@pytest.mark.parametrize("seed", SEEDS_FOR_PODMAN)
def test_podman_has_the_same_tree(need, tmp_path, seed):
    need(*podman.NEEDS, root=True)
    [image, _] = generated_children.merged(generated_children.generate(seed), str(tmp_path))
    (tmp_path / "podman").mkdir()
    engine = Podman(str(tmp_path / "podman"))
    exported = tree_of_tar(engine.files(engine.pull(f"oci:{image}:v1")))
    assert {path: exported.get(path) for path in tree(layer_tars(image))} == tree(layer_tars(image))


def tree_of_tar(data):
    """The files of an exported container as ``layer_notation.tree`` gives them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name.rstrip("/"): shown_member(tar, member) for member in tar}


def shown_member(tar, member):
    owner = Owner(member.uid, member.gid)
    if member.isdir():
        return shown(Entry(b"", DIRECTORY, member.mode, owner), None)
    if member.issym():
        return shown(Entry(b"", SYMLINK, 0o777, owner, link=member.linkname.encode()), None)
    return shown(Entry(b"", FILE, member.mode, owner), tar.extractfile(member).read())
