"""Three generations: a child and a grandchild built on parents of every form, and run."""

import functools
import tarfile
from pathlib import Path

import pytest

import every_parent
from file_trees import DIRECTORY
from generations import EXPECTED, Parent
from image_maker import ImageMaker


class Generations(ImageMaker):
    """Makes each parent, a child on it and a grandchild on the child."""

    @functools.cache
    def parent(self, name: str) -> Parent:
        """The parent called NAME."""
        directory = self.directory / name
        directory.mkdir()
        return every_parent.make(name, directory)

    def child(self, name: str) -> Path:
        """The image directory of a child on the parent called NAME."""
        parent = self.parent(name)
        return self._on(f"{name}.child", parent.path, self._own("child"), *parent.chosen("--parent-image"))

    def grandchild(self, name: str) -> Path:
        """The image directory of a grandchild on the child of the parent called NAME."""
        return self._on(f"{name}.grandchild", self.child(name), self._own("grandchild"))

    def packed_grandchild(self, name: str, form: str) -> str:
        """The grandchild in another FORM."""
        return str(self.packed(self.grandchild(name), form))

    def own(self, key: str) -> list:
        """KEY of the layers of the child and the grandchild, as list-layers prints it."""
        return [layer[key] for who in ("child", "grandchild") for layer in self.layers(self._own(who))]

    def _own(self, who: str) -> Path:
        """The image directory of one generation, not yet on its parent.

        Its layer adds a file and removes one of the parent's; its config sets variables.
        """
        files = {"generation": DIRECTORY, f"generation/{who}": f"{who}\n".encode()}
        layer = self.layer(who, files, "--remove", f"old/for-{who}")
        return self.image(who, {"Env": [f"{who.upper()}=1", f"LAST={who}"]}, layer)

    def _on(self, name: str, parent: Path, image: Path, *choice: str) -> Path:
        return self.build(name, "merge-parent", "--parent", parent, *choice, "--image", image)


@pytest.fixture(scope="module")
def generations(builder, tmp_path_factory) -> Generations:
    """The images of this module's tests."""
    return Generations(builder, tmp_path_factory.mktemp("generations"))


@pytest.fixture(scope="module", params=every_parent.NAMES)
def name(request, need) -> str:
    """The name of each parent."""
    need(*every_parent.needs(request.param), root=True)
    return request.param


def test_layers_are_in_the_order_of_the_manifest(name, generations):
    parent = generations.parent(name)
    assert generations.diff_ids(parent.path, *parent.chosen("--image")) == parent.diff_ids


def test_all_generations_have_their_layers(name, generations):
    inherited, own = generations.parent(name).diff_ids, generations.own("diffID")
    assert generations.diff_ids(generations.grandchild(name)) == inherited + own


def test_parent_and_grandchild_are_sound(name, generations):
    parent = generations.parent(name)
    generations.run("verify-image", parent.path, *parent.chosen("--image"))
    generations.run("verify-image", generations.grandchild(name))


def test_docker_runs_all_generations_and_knows_their_history(name, generations, open_engine):
    dockerd = open_engine("docker")
    reference = dockerd.load(generations.packed_grandchild(name, "docker-archive"))
    assert dockerd.run(reference).out == EXPECTED
    own_steps = [entry.get("created_by", "") for entry in generations.own("history")]
    assert dockerd.history(reference) == generations.parent(name).steps + own_steps


@pytest.mark.parametrize("old", ("docker-1.9", "docker-1.10-no-parent-links", "docker-25-mixed", "nixpkgs-mixed"))
def test_every_engine_runs_all_generations(need, generations, engine, old):
    need(*every_parent.needs(old))
    assert engine.run(engine.load(generations.packed_grandchild(old, "docker-archive"))).out == EXPECTED


LINKED = ("docker-1.9", "docker-1.10-twice-symlink", "docker-1.10-hollow", "docker-25-mixed", "docker-25-deep")


@pytest.mark.parametrize("old", LINKED)
def test_old_docker_would_run_all_generations(need, generations, open_engine, tmp_path, old):
    """A loader of before 1.10 knows no manifest.json and follows the parent links; dockerd still can."""
    need(*every_parent.needs(old))
    legacy = generations.packed_grandchild(old, "docker-legacy-archive")
    stripped = tmp_path / "stripped.tar"
    without_manifest(legacy, stripped)
    dockerd = open_engine("docker")
    assert dockerd.run(dockerd.load(str(stripped))).out == EXPECTED


def without_manifest(archive: str, stripped: Path) -> None:
    """Write a docker archive to STRIPPED without what came with manifest.json."""
    with tarfile.open(archive) as old, tarfile.open(stripped, "w") as new:
        for member in old:
            if not member.name.endswith(".json"):
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
