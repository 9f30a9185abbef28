"""mkSbom, built in Nix's sandbox."""

import json

import pytest

from sbom_validators import NEEDS, VALIDATORS

PACKAGE = """
let
  package = pkgs.busybox // {
    pname = "busybox-static";
    version = "9";
    meta = {
      description = "many tools";
      homepage = [ "https://busybox.example/" "https://other.example/" ];
      license = [ { spdxId = "GPL-2.0-only"; fullName = "GPL" ; } ];
      identifiers.cpe = "cpe:2.3:a:busybox:busybox:9:*:*:*:*:*:*:*";
    };
  };
  image = mkImage { name = "tools"; config.Cmd = [ "${pkgs.busybox}/bin/sh" "${pkgs.python3}" ]; };
in
"""


@pytest.mark.parametrize("format_", VALIDATORS)
def test_components_are_the_closure(nix, need, format_):
    need(*NEEDS)
    bill, busybox, python = nix.build_all(
        PACKAGE
        + f'[ (mkSbom {{ inherit image; packages = [ package ]; format = "{format_}"; }}) pkgs.busybox pkgs.python3 ]'
    )
    assert VALIDATORS[format_](bill) == ""
    document = json.loads(bill.read_bytes())
    requisites = set(nix("nix-store", "--query", "--requisites", busybox, python).stdout.split())
    if format_ == "cyclonedx":
        paths = {item["properties"][0]["value"] for item in document["components"]}
        (tools,) = [item for item in document["components"] if item["name"] == "busybox-static"]
        assert tools["licenses"] == [{"expression": "GPL-2.0-only"}] and tools["version"] == "9"
        assert tools["externalReferences"] == [{"type": "website", "url": "https://busybox.example/"}]
        assert all(item["hashes"] for item in document["components"])
    elif format_ == "spdx":
        paths = {item["comment"].split()[2].rstrip(";") for item in document["packages"][1:]}
    else:
        packages = [item for item in document["@graph"] if item["type"] == "software_Package"]
        paths = {item["comment"].split()[2].rstrip(";") for item in packages[1:]}
    assert paths == requisites


def test_a_closure_alone_and_the_same_each_time(nix):
    one, other = nix.build_all(
        '[ (mkSbom { closure = [ pkgs.busybox ]; }) (mkSbom { closure = [ pkgs.busybox ]; name = "b"; }) ]'
    )
    assert one.read_bytes() == other.read_bytes() and one.name.endswith("-sbom.cdx.json")


def test_faulty_arguments(nix):
    assert "mkSbom: found neither image nor closure" in nix.failure("mkSbom { }")
    assert 'mkSbom: found format = "xml"' in nix.failure('mkSbom { closure = [ pkgs.busybox ]; format = "xml"; }')


BUILT = """
let
  source = derivation { name = "source-1.0"; system = "none"; builder = "/no"; };
  tool = builtins.derivation { name = "tool-2.0"; inherit (pkgs.stdenv.buildPlatform) system; builder = "/no"; inherit source; };
  package = { pname = "package"; outPath = tool.outPath; drvPath = tool.drvPath; out = tool; };
in
"""


@pytest.mark.parametrize("settings", [(), ("--option", "allow-import-from-derivation", "false")])
def test_build_inputs_without_building_them(nix, need, settings):
    need(*NEEDS)
    bill, image = nix.build_all(
        BUILT
        + 'let image = mkImage { name = "x"; copyToRoot = pkgs.busybox; }; in '
        + '[ (mkSbom { inherit image; buildInputs = true; packages = [ package ]; format = "cyclonedx"; }) image ]',
        *settings,
    )
    assert VALIDATORS["cyclonedx"](bill) == ""
    (formula,) = json.loads(bill.read_bytes())["formulation"]
    flows = {flow["uid"]: flow for flow in formula["workflows"]}
    deriver = nix("nix-store", "--query", "--deriver", image).stdout.strip()
    graph = nix("nix-store", "--query", "--requisites", deriver).stdout.split()
    names = {path for path in flows if path.endswith(("-source-1.0.drv", "-tool-2.0.drv"))}
    assert len(names) == 2 and set(flows) - names == {path for path in graph if path.endswith(".drv")}
    used = {item["resource"]["ref"] for flow in formula["workflows"] for item in flow["inputs"]}
    sources = {path[11:] for path in graph if not path.endswith(".drv")}
    assert used >= sources
    (tool,) = [flow for path, flow in flows.items() if path.endswith("-tool-2.0.drv")]
    assert tool["inputs"][0]["resource"]["ref"].endswith("-source-1.0")


def test_build_inputs_of_what_is_no_derivation(nix):
    failure = nix.failure('mkSbom { closure = [ "${pkgs.busybox}" ]; buildInputs = true; }')
    assert "mkSbom: buildInputs: found no derivation" in failure
