"""How an author of a layered image has a say in its layers: pin, layeringPlan, updatePlan, adjustPlan."""

import json
import subprocess

import pytest

import image_files

# Both ways to make two layers of it cost the same: library | helper, app is touched by 1 | 3 packages, and
# library, helper | app by 2 | 3.  The library is smaller by the price of a layer, 252,048 bytes.
APP = """
  let
    tool = name: size: text: import ./nix/docker-tools/run-bash.nix { inherit pkgs; } name { inherit size text; } ''
      mkdir $out
      printf '%s' "$text" >$out/text
      ${pkgs.busybox}/bin/truncate -s $size $out/weight
    '';
    library = tool "library-1.0" "2893680" "shared";
    helper = tool "helper-1.0" "3M" "${library}";
    app = version: tool "app-${version}" "1M" "${library} ${helper} ${version}";
    image = extra: dockerTools.streamLayeredImage ({ name = "x"; config.Cmd = [ "${app "1"}/text" ]; } // extra);
  in
"""


def names(plan):
    """The packages in each layer of a plan, without their hashes."""
    return [sorted(path[44:] for path in layer["storePaths"]) for layer in json.loads(plan)["layers"]]


def test_what_is_pinned_has_its_own_layer(nix):
    few = nix.build(APP + "(image { maxLayers = 3; }).plan").read_text()
    pinned = nix.build(APP + '(image { maxLayers = 3; pin = [ "helper-*" ]; }).plan').read_text()
    assert ["helper-1.0"] not in names(few) and ["helper-1.0"] in names(pinned)
    assert sorted(sum(names(few), [])) == sorted(sum(names(pinned), [])) == ["app-1", "helper-1.0", "library-1.0"]


@pytest.mark.parametrize("function", ["streamLayeredImage", "buildLayeredImage"])
def test_a_plan_kept_beside_the_expression(nix, tmp_path, function):
    call = f'(dockerTools.{function} {{ name = "x"; config.Cmd = [ "${{app "%s"}}/text" ]; maxLayers = 3; %s }})'
    library, helper, app = sorted(
        (path for layer in plan_of(nix, call % ("1", "")) for path in layer["storePaths"]),
        key=lambda path: ("library", "helper", "app-1").index(path[44:].removesuffix("-1.0")),
    )
    for kept in ([[library], [helper, app]], [[library, helper], [app]]):
        document = {"layers": [{"storePaths": layer} for layer in kept]}
        (tmp_path / "plan.json").write_text(json.dumps(document))
        updated = nix.build(APP + call % ("2", f"layeringPlan = {tmp_path}/plan.json;") + ".updatePlan")
        subprocess.run([updated, tmp_path / "plan.json"], check=True)
        expected = [sorted(path[44:].replace("app-1", "app-2") for path in layer) for layer in kept]
        assert sorted(names((tmp_path / "plan.json").read_text())) == sorted(expected)


def plan_of(nix, call):
    return json.loads(nix.build(APP + call + ".plan").read_text())["layers"]


def test_update_plan_wants_a_file(nix):
    program = nix.build(APP + "(image { }).updatePlan")
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("update-plan: error: bad usage: ")


def test_a_function_has_the_last_word(nix):
    adjusted = """
      adjustPlan = plan: derivation {
        name = "one-layer.json";
        inherit (pkgs.stdenv.buildPlatform) system;
        builder = pkgs.python3.interpreter;
        args = [ "-c" ''
          import json, os
          layers = json.load(open("${plan}"))["layers"]
          paths = [path for layer in layers for path in layer["storePaths"]]
          json.dump({"layers": [{"storePaths": paths}]}, open(os.environ["out"], "w"))
        '' ];
      };
    """
    image = nix.build(APP + f"(image {{ {adjusted} }}).image")
    ours = nix.build(APP + "(image { }).image")
    assert [layers_of(path) for path in (image, ours)] == [2, 4]


def layers_of(image):
    """How many layers an image directory has."""
    return len(image_files.manifest(image)["layers"])


def test_a_layering_pipeline(nix):
    """As in expressions for nixpkgs: operations with derivations among their arguments."""
    pipeline = """
      layeringPipeline = [
        [ "subcomponent_out" [ library ] ]
        [ "over" "rest" [ "popularity_contest" ] ]
        [ "limit_layers" 2 ]
      ];
    """
    image = f"image {{ {pipeline} }}"
    stored = nix.build(APP + f"({image}).image")
    assert layers_of(stored) == 3  # the third one is of the files
    found = nix.build(APP + f"({image}).arrangedPlan").read_text()
    assert names(found) == [["library-1.0"], ["app-1", "helper-1.0"]]


def test_an_unknown_operation_is_refused(nix):
    error = nix.failure(APP + 'image { layeringPipeline = [ [ "popularity" ] ]; }')
    assert "pipeline[0][0]: unknown operation 'popularity'" in error and "(derivation x-store-layers-arranged" in error
