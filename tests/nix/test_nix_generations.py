"""Three generations built by nix-build: a child and a grandchild on parents of every form."""

import json
import tarfile
from pathlib import Path

import pytest

import every_parent
from file_trees import DIRECTORY, write_directory
from generations import EXPECTED, Parent
from image_maker import ImageMaker

EXPRESSION = """
let
  generation = who: variable: tree: mkImage {
    name = who;
    layers = [ (mkLayer { copyToRoot = tree; remove = [ "old/for-${who}" ]; }) ];
    config.Env = [ "${variable}=1" "LAST=${who}" ];
  };
  child = generation "child" "CHILD" CHILD_TREE;
  grandchild = generation "grandchild" "GRANDCHILD" GRANDCHILD_TREE;
  on = parent: parentImage: mergeParent {
    parent = mergeParent { inherit parent parentImage; image = child; };
    image = grandchild;
  };
in
[ child grandchild PARENTS ]
"""


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    """Runs list-layers and pack-image."""
    return ImageMaker(builder, tmp_path_factory.mktemp("generations"))


@pytest.fixture(scope="module")
def parents(need, maker) -> dict[str, Parent]:
    """All parents, by name."""
    made = {}
    for name in every_parent.NAMES:
        need(*every_parent.needs(name), root=True)
        directory = maker.directory / name
        directory.mkdir()
        made[name] = every_parent.make(name, directory)
    return made


@pytest.fixture(scope="module")
def built(nix, maker, parents) -> dict[str, Path]:
    """The images of both generations, and the grandchild on each parent, by its name; all by one nix-build."""
    words = {f"{who.upper()}_TREE": _tree(maker.directory / who, who) for who in ("child", "grandchild")}
    words["PARENTS"] = " ".join(_on(parent) for parent in parents.values())
    expression = EXPRESSION
    for word, value in words.items():
        expression = expression.replace(f" {word}", f" {value}")
    paths = nix.build_all(expression)
    return dict(zip(("child", "grandchild", *parents), paths, strict=True))


def _tree(directory: Path, who: str) -> str:
    members = {"generation": DIRECTORY, f"generation/{who}": f"{who}\n".encode()}
    return write_directory(str(directory), members)


def _on(parent: Parent) -> str:
    """The expression for the grandchild on PARENT."""
    return f"(on {parent.path} {json.dumps(parent.choice)})"


@pytest.mark.parametrize("name", every_parent.NAMES)
def test_all_generations_have_their_layers(built, parents, maker, name):
    layers = maker.layers(built[name])
    assert [layer["diffID"] for layer in layers[:-2]] == parents[name].diff_ids
    for layer, who in zip(layers[-2:], ("child", "grandchild")):
        [own] = maker.layers(built[who])
        assert files(layer) == files(own)


@pytest.mark.parametrize("name", every_parent.NAMES)
def test_directories_of_the_parent_keep_their_mode(built, maker, name):
    """In the Nix store, and in a layer that is copied from it, a directory is 0555; in the parents it is 0755."""
    for layer in maker.layers(built[name])[-2:]:
        with tarfile.open(layer["location"]) as tar:
            assert tar.getmember("generation").mode == 0o755


def files(layer: dict) -> dict[str, bytes]:
    """Return the content of each entry of a layer but for directories."""
    with tarfile.open(layer["location"]) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar if info.isfile()}


@pytest.mark.parametrize("name", every_parent.NAMES)
def test_grandchild_runs(built, maker, open_engine, name):
    podman = open_engine("podman")
    assert podman.run(podman.pull(f"oci:{built[name]}:latest")).out == EXPECTED
