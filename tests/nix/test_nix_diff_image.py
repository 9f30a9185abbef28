"""diffImage, built in Nix's sandbox."""

import json

IMAGES = """
let
  node = name: references: derivation {
    inherit name;
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "${pkgs.busybox}/bin/sh";
    args = [ "-c" "echo ${toString references} >$out" ];
  };
  lib = node "lib-1.0" [ ];
  newLib = node "lib-1.1" [ ];
  app = node "app-3" [ lib ];
  newApp = node "app-3" [ newLib ];
  image = app: mkImage { name = "app"; config.Cmd = [ app ]; };
in
"""


def test_packages_and_causes_come_from_closures(nix):
    difference, app = nix.build_all(
        IMAGES + '[ (diffImage { old = image app; new = image newApp; format = "json"; }) newApp ]'
    )
    result = json.loads(difference.read_bytes())
    assert {item["name"]: item["change"] for item in result["packages"]} == {"lib": "version", "app": "rebuilt"}
    (cause,) = result["causes"]
    assert cause["cause"] == "lib 1.0 → 1.1" and str(app) in cause["affected"]
    assert result["download"] == result["new"]["size"]


def test_archives_and_files_in_markdown(nix):
    markdown = nix.build(
        IMAGES + 'diffImage { old = (image app).dockerArchive; new = image newApp; files = true; format = "markdown"; }'
    )
    assert markdown.name.endswith(".md")
    assert "| lib 1.0 → 1.1 | 2 |" in markdown.read_text() and "### Files" in markdown.read_text()


def test_pictures(nix):
    built = nix.build_all(
        IMAGES + '[ (diffImage { old = image app; new = image newApp; format = "svg"; })'
        ' (explainImage { image = image app; format = "svg"; })'
        ' (explainPlan { plan = planLayers { closure = [ app ]; }; closure = [ app ]; format = "svg"; }) ]'
    )
    for picture in built:
        assert picture.name.endswith(".svg") and "app-3" in picture.read_text()


def test_an_unknown_format(nix):
    complaint = nix.failure('explainPlan { plan = { layers = [ ]; }; closure = [ ]; format = "text"; }')
    assert 'explainPlan: found format = "text", expected json, markdown, svg, table' in complaint
