"""Every image is a base like any other: a child and a grandchild on parents of every form."""

import functools
import tarfile
from pathlib import Path

import family
import pytest
from generations import EXPECTED, Parent
from members import DIRECTORY
from workshop import Workshop


class Family(Workshop):
    """Parents, and the two generations on each."""

    @functools.cache
    def parent(self, name: str) -> Parent:
        """The parent called NAME."""
        directory = self.directory / name
        directory.mkdir()
        return family.make(name, directory)

    def child(self, name: str) -> Path:
        """The image directory of a child on the parent called NAME."""
        parent = self.parent(name)
        return self._on(f"{name}.child", parent.path, self._own("child"), *parent.chosen("--parent-image"))

    def grandchild(self, name: str) -> Path:
        """The image directory of a child on that child."""
        return self._on(f"{name}.grandchild", self.child(name), self._own("grandchild"))

    def packed_grandchild(self, name: str, form: str) -> str:
        """The same in another FORM."""
        return str(self.packed(self.grandchild(name), form))

    def own(self, key: str) -> list:
        """What list-layers says under KEY of the two generations' own layers."""
        return [layer[key] for who in ("child", "grandchild") for layer in self.layers(self._own(who))]

    def _own(self, who: str) -> Path:
        """The image directory of one generation, on nothing yet.

        Its layer has a file of its own and hides one of those before; its config has a variable.
        """
        members = {"generation": DIRECTORY, f"generation/{who}": f"{who}\n".encode()}
        layer = self.layer(who, members, "--remove", f"old/for-{who}")
        return self.image(who, {"Env": [f"{who.upper()}=1", f"LAST={who}"]}, layer)

    def _on(self, name: str, parent: Path, image: Path, *choice: str) -> Path:
        return self.build(name, "merge-parent", "--parent", parent, *choice, "--image", image)


@pytest.fixture(scope="module")
def kin(builder, tmp_path_factory) -> Family:
    """The family of this module's tests."""
    return Family(builder, tmp_path_factory.mktemp("family"))


@pytest.fixture(scope="module", params=family.NAMES)
def name(request, need) -> str:
    """The name of each parent."""
    need(*family.needs(request.param), root=True)
    return request.param


def test_layers_are_in_the_order_of_the_manifest(name, kin):
    parent = kin.parent(name)
    assert kin.diff_ids(parent.path, *parent.chosen("--image")) == parent.diff_ids


def test_all_generations_have_their_layers(name, kin):
    assert kin.diff_ids(kin.grandchild(name)) == kin.parent(name).diff_ids + kin.own("diffID")


def test_parent_and_grandchild_are_sound(name, kin):
    parent = kin.parent(name)
    kin.run("verify-image", parent.path, *parent.chosen("--image"))
    kin.run("verify-image", kin.grandchild(name))


def test_docker_runs_all_generations_and_knows_their_history(name, kin, open_engine):
    dockerd = open_engine("docker")
    reference = dockerd.load(kin.packed_grandchild(name, "docker-archive"))
    assert dockerd.run(reference).out == EXPECTED
    own_steps = [entry.get("created_by", "") for entry in kin.own("history")]
    assert dockerd.history(reference) == kin.parent(name).steps + own_steps


@pytest.mark.parametrize("old", ("docker-1.9", "docker-1.10-no-parent-links", "docker-25-mixed", "nixpkgs-mixed"))
def test_every_engine_runs_all_generations(need, kin, engine, old):
    need(*family.needs(old))
    assert engine.run(engine.load(kin.packed_grandchild(old, "docker-archive"))).out == EXPECTED


LINKED = ("docker-1.9", "docker-1.10-twice-symlink", "docker-1.10-hollow", "docker-25-mixed", "docker-25-deep")


@pytest.mark.parametrize("old", LINKED)
def test_old_docker_would_run_all_generations(need, kin, open_engine, tmp_path, old):
    """A loader of before 1.10 knows no manifest.json and follows the parent links; dockerd still can."""
    need(*family.needs(old))
    legacy = kin.packed_grandchild(old, "docker-legacy-archive")
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
