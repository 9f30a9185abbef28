"""The flake, evaluated purely and without a network: nixpkgs is a flake of this machine."""

import json
import os
import re
from pathlib import Path

import pytest

from checkout import ROOT, copy_tree

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the flake is for x86_64-linux alone")

# What laminix uses of nixpkgs' flake; the store path of Python is all that pure evaluation may know of a host.
PACKAGES_FLAKE = """
{
  outputs = _: {
    legacyPackages.x86_64-linux =
      let
        python = builtins.appendContext "PYTHON" { "PYTHON".path = true; };
        platform = { system = "x86_64-linux"; go.GOARCH = "amd64"; };
      in
      {
        buildPackages = { python3.interpreter = "${python}/bin/python3"; bash = python; coreutils = python; busybox = python; };
        stdenv = { buildPlatform = platform; hostPlatform = platform; };
        busybox = python;
        hello = python;
        bash = python;
      };
  };
}
"""


@pytest.fixture
def packages(nix, tmp_path) -> str:
    """The reference of a flake that stands in for nixpkgs."""
    directory = tmp_path / "packages"
    directory.mkdir()
    (directory / "flake.nix").write_text(PACKAGES_FLAKE.replace("PYTHON", str(nix.build("pkgs.python3"))))
    return f"path:{directory}"


@pytest.fixture
def laminix(tmp_path) -> str:
    """The reference of the checkout's flake."""
    return f"path:{copy_tree(tmp_path / 'checkout')}?dir=nix"


@pytest.fixture
def inputs(packages) -> list[str]:
    """Options that give the checkout's flake its inputs."""
    return ["--override-input", "nixpkgs", packages, "--no-write-lock-file"]


def builders() -> set[str]:
    return set(os.listdir(ROOT / "builders"))


def test_the_package_is_built_in_pure_evaluation(nix, laminix, inputs):
    package = Path(nix("nix", "build", "--no-link", "--print-out-paths", laminix, *inputs).stdout.strip())
    assert {entry.name for entry in (package / "bin").iterdir()} == builders()


def test_the_flake_shows_its_outputs(nix, laminix, inputs):
    shown = json.loads(nix("nix", "flake", "show", "--json", laminix, *inputs).stdout)
    assert set(shown) == {"apps", "checks", "lib", "nixosModules", "overlays", "packages"}
    assert set(shown["packages"]) == set(shown["apps"]) == set(shown["checks"]) == {"x86_64-linux"}
    assert set(shown["packages"]["x86_64-linux"]) == {"default"}
    assert set(shown["apps"]["x86_64-linux"]) == builders()
    assert documented_outputs() == {name.partition(".")[0] for name in shown}


def documented_outputs() -> set[str]:
    """The outputs in the table of nix/README.md."""
    section = (ROOT / "nix" / "README.md").read_text().partition("\n### In a flake\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)\.", section, re.MULTILINE))


def test_an_app_runs_its_builder(nix, laminix, inputs):
    run = nix("nix", "run", *inputs, f"{laminix}#list-layers", "--", "--help")
    assert run.stdout.startswith("usage: list-layers ")


def test_images_are_evaluated_purely(nix, laminix, inputs):
    """In pure evaluation nothing of the host can be read, and no derivation is built meanwhile."""
    images = """
      laminix: map (image: image.drvPath) [
        laminix.examples.non-root.dockerArchive
        laminix.examples.on-archive
        (laminix.dockerTools.buildImage { name = "x"; extraCommands = "true"; includeNixDB = true; })
        (laminix.dockerTools.streamLayeredImage { name = "x"; config.Cmd = [ "x" ]; }).updatePlan
      ]
    """
    paths = json.loads(nix("nix", "eval", "--json", *inputs, f"{laminix}#lib.x86_64-linux", "--apply", images).stdout)
    assert len(paths) == 4 and all(path.endswith(".drv") for path in paths)


def test_the_check_is_one_that_nix_accepts(nix, laminix, inputs):
    nix("nix", "flake", "check", "--no-build", laminix, *inputs)


def test_the_readmes_flake_builds_its_image(nix, tmp_path, laminix, packages):
    """With laminix's nixpkgs following the user's: no other is given, and there is no network to fetch one."""
    blocks = re.findall(r"^```nix\n(.*?)^```$", (ROOT / "nix" / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    [flake] = (block for block in blocks if "inputs.laminix.url" in block)
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "flake.nix").write_text(flake)
    own = ["--override-input", "laminix", laminix, "--override-input", "nixpkgs", packages, "--no-write-lock-file"]
    built = nix("nix", "build", "--no-link", "--print-out-paths", f"path:{tmp_path}/user", *own)
    assert (Path(built.stdout.strip()) / "oci-layout").exists()
