"""planLayers, and the layers of a plan, as Nix builds them."""

import json
from pathlib import Path

CLOSURE = "closure = [ pkgs.bash pkgs.coreutils ];"


def planned(plan: Path) -> list[list[str]]:
    """The names of each layer's store paths."""
    return [[path[44:] for path in layer["storePaths"]] for layer in json.loads(plan.read_bytes())["layers"]]


def test_each_path_of_the_closure_is_planned_once(nix):
    layers = planned(nix.build(f"planLayers {{ {CLOSURE} }}"))
    assert sorted(sum(layers, [])) == ["bash", "busybox", "coreutils"]


def test_there_are_no_more_layers_than_allowed(nix):
    assert len(planned(nix.build(f"planLayers {{ {CLOSURE} maxLayers = 2; }}"))) == 2


def test_a_root_that_nothing_refers_to_may_stay_away(nix):
    closure = "closure = [ pkgs.cacert pkgs.bash ];"
    layers = planned(nix.build(f"planLayers {{ {closure} omitRoot = [ pkgs.cacert pkgs.bash pkgs.busybox ]; }}"))
    # bash refers to itself, and its starter to busybox's shell.
    assert sorted(sum(layers, [])) == ["bash", "busybox"]


def test_what_a_layer_holds_is_left_out(nix):
    base = "base = [ (mkLayer { closure = [ pkgs.busybox ]; }) ];"
    assert sorted(sum(planned(nix.build(f"planLayers {{ {CLOSURE} {base} }}")), [])) == ["bash", "coreutils"]


def test_what_is_pinned_has_its_own_layer(nix):
    assert ["bash"] in planned(nix.build(f'planLayers {{ {CLOSURE} maxLayers = 2; pin = [ "bash" ]; }}'))


def test_weights_and_the_plan_before_may_be_values(nix):
    before = "planLayers { closure = [ pkgs.busybox ]; }"
    plan = nix.build(f"planLayers {{ {CLOSURE} previous = {before}; weights = {{ bash = 9; }}; }}")
    assert sorted(sum(planned(plan), [])) == ["bash", "busybox", "coreutils"]


def test_the_layers_of_a_plan_make_an_image(nix):
    image = nix.build(f"""
        listLayers {{
          json = true;
          image = mkImage {{ name = "x"; layers = [ (mkLayers {{ plan = planLayers {{ {CLOSURE} }}; }}) ]; }};
        }}
        """)
    assert len(json.loads(image.read_bytes())) == 3


def test_a_plan_is_explained(nix):
    told = nix.build(f"explainPlan {{ plan = planLayers {{ {CLOSURE} }}; {CLOSURE} }}").read_text()
    assert "coreutils" in told and "busybox" in told
