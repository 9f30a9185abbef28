"""Generated images on generated parents: umoci and podman unpack the tree that laminix computes."""

import pytest

import generated_children
from children import layer_tars
from engines import podman, umoci
from engines.podman import Podman
from engines.umoci import Umoci
from layer_notation import tree

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
    exported = generated_children.tree_of_tar(engine.files(engine.pull(f"oci:{image}:v1")))
    assert {path: exported.get(path) for path in tree(layer_tars(image))} == tree(layer_tars(image))
