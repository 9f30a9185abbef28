"""explainImage, built in Nix's sandbox; its reasons against those of nix why-depends."""

import json
import random

import pytest

# Fifteen store paths whose references are a random graph without circles.
GRAPH = """
let
  node = name: references: derivation {
    inherit name;
    inherit (pkgs.stdenv.buildPlatform) system;
    builder = "${pkgs.busybox}/bin/sh";
    args = [ "-c" "echo ${toString references} >$out" ];
  };
  nodes = %s;
"""


def edges(seed: int) -> dict[int, list[int]]:
    """Which nodes each node refers to; the last one leads to most others."""
    chance = random.Random(seed)
    return {node: sorted(chance.sample(range(node), min(node, chance.randint(1, 3)))) for node in range(15)}


def graph(seed: int) -> str:
    """The Nix expression of the nodes, as ``let`` bindings without ``in``."""
    links = edges(seed)
    names = {node: f"node-{seed}-{node}" for node in links}
    bodies = (
        f'n{node} = node "{names[node]}" [ {" ".join(f"nodes.n{other}" for other in links[node])} ];' for node in links
    )
    return GRAPH % ("{ " + " ".join(bodies) + " }")


def why_depends(nix, root: str, target: str) -> list[str]:
    """The chain that nix why-depends prints."""
    printed = nix("nix", "why-depends", root, target).stdout
    return [
        "/nix/store/" + line.rpartition("/nix/store/")[2].strip() for line in printed.splitlines() if "store" in line
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_reasons_are_those_of_why_depends(nix, builder, seed):
    expression = graph(seed) + 'in [ nodes.n14 (mkImage { name = "g"; config.Cmd = [ nodes.n14 ]; }) '
    expression += '(explainImage { image = mkImage { name = "g"; config.Cmd = [ nodes.n14 ]; }; format = "json"; }) ]'
    root, image, explanation = nix.build_all(expression)
    result = json.loads(explanation.read_bytes())
    paths = {item["path"]: item for item in result["storePaths"]}
    requisites = set(nix("nix-store", "--query", "--requisites", root).stdout.split())
    assert set(paths) == requisites and result["references"] == "closure"
    for path in sorted(requisites - {str(root)}):
        (answer,) = json.loads(builder("explain-image", image, "--why", path, "--json").stdout)
        assert answer["root"] == "config.Cmd[0]"
        theirs = why_depends(nix, str(root), path)
        assert len(answer["chain"]) == len(theirs) and answer["chain"][0] == theirs[0] == str(root)
        for referrer, reference in zip(answer["chain"], answer["chain"][1:]):
            assert reference in nix("nix-store", "--query", "--references", referrer).stdout.split()


def test_sizes_are_nix_sizes(nix):
    root, explanation = nix.build_all(
        graph(3) + 'in [ nodes.n14 (explainImage { image = mkImage { name = "s"; config.Cmd = [ nodes.n14 ]; };'
        ' format = "json"; }) ]'
    )
    info = json.loads(nix("nix", "path-info", "--json", "-r", "-S", root).stdout)
    for item in json.loads(explanation.read_bytes())["storePaths"]:
        assert (item["size"], item["closureSize"]) == tuple(
            info[item["path"]][key] for key in ("narSize", "closureSize")
        )


def test_the_function_passes_what_it_is_asked(nix):
    image = 'image = mkImage { name = "w"; config.Cmd = [ "${pkgs.busybox}/bin/sh" ]; };'
    why, files, markdown = nix.build_all(
        f'[ (explainImage {{ {image} why = "busybox"; }}) (explainImage {{ {image} files = 0; }})'
        f' (explainImage {{ {image} format = "markdown"; largest = 1; duplicates = true; }}) ]'
    )
    assert "config.Cmd[0]" in why.read_text()
    assert "/bin/busybox\n" in files.read_text()
    assert markdown.name.endswith(".md") and "### Largest files" in markdown.read_text()


def test_an_archive_is_searched(nix):
    text = nix.build(
        'explainImage { image = (mkImage { name = "w"; config.Cmd = [ "${pkgs.busybox}/bin/sh" ]; }).dockerArchive; }'
    ).read_text()
    assert "References were found by searching files" in text and "config.Cmd[0]" in text
