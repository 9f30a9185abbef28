"""mergeParent and mkImage's fromImage: images on images, as Nix builds them."""

import json
from pathlib import Path

import pytest

from image_files import config
from run_nix import Nix

BASE = """
let
  base = mkImage {
    name = "base"; layers = [ (mkLayer { closure = [ pkgs.busybox ]; }) ]; config.Env = [ "A=1" "B=1" ];
  };
  child = mkImage {
    name = "child"; tag = "2"; fromImage = base;
    config = { Env = [ "B=2" ]; Cmd = [ "${pkgs.busybox}/bin/env" ]; };
  };
in
"""


def listed(nix: Nix, image: str) -> list[dict]:
    """What list-layers tells of the image that the expression IMAGE gives."""
    return json.loads(nix.build(f"{BASE} listLayers {{ json = true; image = {image}; }}").read_bytes())


def diff_ids(nix: Nix, image: str) -> list[str]:
    return [layer["diffID"] for layer in listed(nix, image)]


def test_the_parents_layers_come_first_and_are_links(nix):
    base, child = diff_ids(nix, "base"), diff_ids(nix, "child")
    assert child[: len(base)] == base
    assert Path(listed(nix, "child")[0]["location"]).is_symlink()


def test_what_the_parent_has_does_not_come_along_again(nix):
    assert len(listed(nix, "child")) == 1


def test_the_child_keeps_its_name_and_knows_all_layers(nix):
    values = "child.name child.imageName child.imageTag (builtins.length child.layers)"
    # The layer of what the config mentions counts, though it will be empty and left out.
    assert nix.evaluate(f"{BASE} [ {values} ]") == ["child.tar", "child", "2", 2]


def test_the_config_is_inherited(nix):
    assert config(nix.build(f"{BASE} child"))["config"]["Env"] == ["A=1", "B=2"]


def test_an_archives_blobs_are_taken_out_once_for_all_children(nix):
    def unpacked(child: str) -> list[str]:
        expression = f'{BASE} mkImage {{ name = "{child}"; fromImage = base.dockerArchive; }}'
        return [path for path in nix.derivations(expression) if path.endswith("-base.tar-oci.drv")]

    assert len(unpacked("one")) == 1
    assert unpacked("one") == unpacked("two")


@pytest.mark.parametrize("form", ["dockerArchive", "dockerLegacyArchive", "dir", "oci"])
def test_every_form_is_a_parent(nix, form):
    assert diff_ids(nix, f'mkImage {{ name = "x"; fromImage = base.{form}; }}') == diff_ids(nix, "base")


def test_skip_existing_leaves_out_what_an_archive_has(nix):
    again = 'mkImage { name = "again"; layers = [ (mkLayer { closure = [ pkgs.busybox pkgs.bash ]; }) ]; }'
    merged = f"mergeParent {{ parent = base.dockerArchive; image = {again}; skipExisting = true; }}"
    [base] = listed(nix, "base")
    _, rest = listed(nix, merged)
    [whole] = listed(nix, again)
    assert rest["size"] < whole["size"] - base["size"] + 10_000


def test_another_platform_than_the_parents_is_an_error(nix):
    error = nix.failure(f'{BASE} mkImage {{ name = "x"; architecture = "s390x"; fromImage = base; }}')
    assert "merge-parent: error: " in error and "s390x" in error


def test_a_parent_that_is_no_image_is_told_in_one_line(nix, tmp_path):
    (tmp_path / "no-image").write_text("text")
    error = nix.failure(f'mkImage {{ name = "x"; fromImage = {tmp_path}/no-image; }}')
    assert "error: " in error and "Traceback" not in error


def test_a_removal_of_nothing_is_an_error_unless_it_is_allowed(nix):
    image = """
      let
        parent = mkImage { name = "parent"; files."etc/motd".text = "x"; };
        image = mkImage { name = "child"; layers = [ (mkLayer { remove = [ "etc/mtod" ]; }) ]; };
      in
      """
    assert "cannot remove 'etc/mtod': " in nix.failure(f"{image} mergeParent {{ inherit parent image; }}")
    built = nix.build(f"{image} mergeParent {{ inherit parent image; allowMissing = true; }}")
    assert (Path(built) / "index.json").exists()
