"""Layers as derivations of their own: the same image, of which only what changed is built again."""

import os
import re
from dataclasses import replace

import pytest

from image_files import index, manifest
from run_nix import PRELUDE, Nix

# After a change of the app: one layer, the image, and the small documents between them.
REBUILT = {
    "ca": ["app", "layer", "layer-plan", "layers", "plan.json", "x"],
    "ifd": ["app", "layer", "layers", "plan.json", "x"],
}

# An application that refers to two libraries, and its image.  Packages are known by name.
IMAGE = """
let
  file = name: text: derivation {
    inherit name text;
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "/bin/sh";
    args = [ "-c" "echo $text >$out" ];
  };
  app = file "app" "%(app)s uses ${file "aaa" "1"} and ${file "bbb" "1"}";
  plan = planLayers { closure = [ app ]; maxLayers = 6; };
in
mkImage {
  name = "x";
  layers = [ (mkLayers { layering = "%(layering)s"; inherit plan; }) ];
}
"""


def image(layering: str, app: str = "1") -> str:
    return IMAGE % {"layering": layering, "app": app}


def built(nix: Nix, expression: str, where: str = r"\.\.\.$") -> list[str]:
    """Build EXPRESSION, and return the names of the derivations that were built, sorted.

    Those that another machine builds are in Nix's log twice; WHERE, what the log says of the place, tells them apart.
    """
    log = nix("nix-build", "--no-out-link", "-E", PRELUDE + expression).stderr
    paths = re.findall(rf"^building '(\S+)\.drv'{where}", log, re.MULTILINE)
    return sorted(path.rpartition("/")[2][33:] for path in paths)


# What each way needs, beside the settings of all tests.
NEEDS = {
    "ca": {"experimental_features": "nix-command flakes ca-derivations"},
    "ifd": {"allow_import_from_derivation": "true"},
}


def able(nix: Nix, *ways: str) -> Nix:
    """NIX with all that the WAYS need, or all of them, and no more."""
    needs = [NEEDS[way] for way in ways or NEEDS]
    return nix.having(**{name: value for need in needs for name, value in need.items()}, build_poll_interval="0")


def digests(nix: Nix, expression: str) -> list[str]:
    """The digests of the images in the list EXPRESSION."""
    return [index(path)["manifests"][0]["digest"] for path in able(nix).build_all(expression)]


def test_the_image_has_the_same_digest_in_every_way(nix):
    images = [image(layering) for layering in ("single", "ca", "ifd")]
    paths = able(nix).build_all(f"[ ({') ('.join(images)}) ]")
    assert len({index(path)["manifests"][0]["digest"] for path in paths}) == 1
    assert len(manifest(paths[0])["layers"]) == 3


@pytest.mark.parametrize("options", ['compressor = "gzip";', "blob = false;"])
def test_what_config_mentions_is_divided_in_every_way(nix, options):
    ways = digests(
        nix,
        f"""
        map
          (layering: mkImage {{
            name = "x"; maxLayers = 4; config.Cmd = [ "${{pkgs.bash}}/bin/bash" ]; inherit layering; {options}
          }})
          [ "single" "ca" "ifd" ]
        """,
    )
    assert len(ways) == 3 and len(set(ways)) == 1


def test_docker_tools_have_the_same_image_in_every_way(nix):
    ways = digests(
        nix,
        """
        map
          (layering: (dockerTools.streamLayeredImage {
            name = "x"; tag = "1"; config.Cmd = [ "${pkgs.bash}/bin/bash" ]; inherit layering;
          }).image)
          [ "single" "ca" "ifd" ]
        """,
    )
    assert len(ways) == 3 and len(set(ways)) == 1


@pytest.mark.parametrize("layering", ["ca", "ifd"])
def test_an_image_on_a_parent_is_valid(nix, layering):
    said = able(nix, layering).build(f"""
        let
          image = mkImage {{ name = "x"; config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; inherit layering; maxLayers = 3; }};
          layering = "{layering}";
        in
        verifyImage {{
          image = mkImage {{
            name = "child"; fromImage = image; config.Cmd = [ "${{pkgs.bash}}/bin/bash" ]; inherit layering; maxLayers = 3;
          }};
        }}
        """)
    assert said.read_text().startswith("docker.io/library/child:latest: valid (2 layers")


def test_a_plan_that_evaluation_knows_needs_nothing_experimental(nix):
    plan = "{ layers = [ { storePaths = [ pkgs.busybox ]; } { storePaths = [ ]; } ]; }"
    ways = [f'(mkLayers {{ plan = {plan}; layering = "{layering}"; }})' for layering in ("single", "ca", "ifd")]
    single, *others = nix.build_all(f"[ {' '.join(ways)} ]")
    for other in others:
        files = [path.relative_to(single) for path in single.rglob("*")]
        assert sorted(path.name for path in other.iterdir()) == ["000", "001"]
        assert all(
            (single / file).is_dir()
            or (single / file).samefile(other / file)
            or (single / file).read_bytes() == (other / file).read_bytes()
            for file in files
        )


@pytest.mark.parametrize("layering", ["ca", "ifd"])
def test_one_changed_path_builds_one_layer_again(other_store, layering):
    nix = able(other_store, layering)
    assert built(nix, image(layering)).count("layer") == (6 if layering == "ca" else 3)
    assert built(nix, image(layering, app="2")) == REBUILT[layering]
    assert built(nix, image(layering, app="1")) == []


def test_one_changed_path_builds_one_layer_again_on_another_machine(other_store, tmp_path):
    machine = f"local?root={tmp_path}/remote {os.uname().machine}-linux - 8 1 ca-derivations"
    nix = able(other_store, "ca").having(builders=machine, max_jobs="0")
    assert built(nix, image("ca"), " on ").count("layer") == 6
    assert built(nix, image("ca", app="2"), " on ") == REBUILT["ca"]


@pytest.mark.parametrize("layering", ["ca", "ifd"])
def test_a_cache_gives_the_layers_that_have_not_changed(other_store, tmp_path, layering):
    cache = f"file://{tmp_path}/cache?compression=none"
    nix = able(other_store, layering)
    path = nix("nix-build", "--no-out-link", "-E", PRELUDE + image(layering)).stdout.strip()
    other_store("nix", "copy", "--no-check-sigs", "--to", cache, path)
    fresh = replace(nix, store=tmp_path / "fresh").having(substituters=cache, require_sigs="false")
    # The application that changed, and three of the six layers of "ca" that are empty and in no image.
    assert built(fresh, image(layering, app="2")).count("layer") == (1 + 3 if layering == "ca" else 1)


def test_a_layer_may_move_with_import_from_derivation(nix):
    """It depends on its store paths only, not on its place."""
    order, reversed_order = (
        able(nix, "ifd").derivations(PLANNED % packages) for packages in ("bash busybox", "busybox bash")
    )
    changed = sorted(path[44:] for path in order ^ reversed_order)
    assert changed == ["layers.drv"] * 2


# A plan that is known once it is built.
PLANNED = """
mkLayers {
  layering = "ifd";
  plan = derivation {
    name = "plan.json";
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "/bin/sh";
    args = [ "-c" "echo \\"$text\\" >$out" ];
    text = builtins.toJSON { layers = map (package: { storePaths = [ package ]; }) (with pkgs; [ %s ]); };
  };
}
"""


def test_import_from_derivation_that_is_not_allowed_is_explained_in_one_line(nix):
    error = nix.having(allow_import_from_derivation="false").failure(image("ifd", app="never built"))
    why = 'needs the setting allow-import-from-derivation; enable it, or use `layering = "single"`'
    assert f'laminix: mkLayers: `layering = "ifd"` {why}\n' in error


def test_a_missing_experimental_feature_is_explained_in_one_line(nix):
    error = nix.failure(image("ca"))
    why = 'needs the experimental feature ca-derivations; enable it, or use `layering = "single"`'
    assert f'laminix: mkLayers: `layering = "ca"` {why}\n' in error


def test_an_unknown_way_is_an_error(nix):
    error = nix.failure(image("double"))
    assert 'laminix: mkLayers: `layering` is "double", but it should be "single", "ca" or "ifd".' in error


def test_more_layers_than_outputs_are_an_error_with_the_remedy(nix):
    layers = 'mkLayers { layering = "ca"; maxLayers = 1; plan = planLayers { closure = [ pkgs.bash ]; }; }'
    error = able(nix, "ca").failure(layers)
    assert (
        "split-plan: error: too many layers: found 2 layers, expected at most 1, one for each FILE; name more" in error
    )
