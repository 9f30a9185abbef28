"""mkLayer, as people really run Nix."""

import tarfile
from pathlib import Path

import pytest

from layer_files import layer_json, names


@pytest.fixture
def tree(tmp_path) -> Path:
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "motd").write_text("hello\n")
    return root


def test_puts_what_a_source_holds_at_the_root(nix, tree):
    assert names(nix.build(f"mkLayer {{ copyToRoot = {tree}; }}")) == ["etc/", "etc/motd"]


def test_puts_it_where_dest_says(nix, tree):
    layer = nix.build(f'mkLayer {{ copyToRoot = [ {{ source = {tree}; dest = "/srv/www"; }} ]; }}')
    assert names(layer) == ["srv/", "srv/www/", "srv/www/etc/", "srv/www/etc/motd"]


def test_brings_the_closure_of_a_source_without_the_source(nix):
    layer = nix.build("""
        let tree = derivation {
          name = "tree"; inherit (pkgs.stdenv.buildPlatform) system; builder = "${pkgs.busybox}/bin/sh";
          args = [ "-c" "${pkgs.busybox}/bin/mkdir $out; echo ${pkgs.busybox} > $out/mention" ];
        }; in mkLayer { copyToRoot = tree; }
        """)
    paths = layer_json(layer)["storePaths"]
    assert [path[44:] for path in paths] == ["busybox"]
    assert "mention" in names(layer)


def test_leaves_the_closure_to_other_layers(nix):
    layer = nix.build('mkLayer { references = false; files."/sh".link = "${pkgs.busybox}/bin/sh"; }')
    assert (names(layer), layer_json(layer)["storePaths"]) == (["sh"], [])


def test_a_source_may_be_wanted_in_the_store_too(nix):
    layer = nix.build("mkLayer { copyToRoot = pkgs.busybox; closure = [ pkgs.busybox ]; }")
    assert [path[44:] for path in layer_json(layer)["storePaths"]] == ["busybox"]


def test_a_part_of_a_store_path_may_be_copied(nix):
    layer = nix.build('mkLayer { copyToRoot = "${pkgs.busybox}/bin"; }')
    assert "busybox" in names(layer)
    assert layer_json(layer)["storePaths"] == []


def test_leaves_out_what_another_layer_has(nix):
    layer = nix.build("""
        let lower = mkLayer { closure = [ pkgs.busybox ]; };
        in mkLayer { closure = [ pkgs.busybox pkgs.bash ]; exclude = [ lower ]; }
        """)
    assert "busybox" not in [path[44:] for path in layer_json(layer)["storePaths"]]


def test_sets_owners_and_modes(nix, tree):
    rule = '{ path = "etc/motd"; mode = "0640"; uid = 7; gid = 8; }'
    layer = nix.build(f"mkLayer {{ copyToRoot = {tree}; perms = [ {rule} ]; }}")
    with tarfile.open(layer / "layer.tar") as tar:
        motd = tar.getmember("etc/motd")
    assert (oct(motd.mode), motd.uid, motd.gid) == ("0o640", 7, 8)


def test_a_layer_without_a_blob_still_refers_to_what_it_packs(nix):
    layer = nix.build("mkLayer { closure = [ pkgs.busybox ]; blob = false; }")
    assert [path.name for path in layer.iterdir()] == ["layer.json"]
    references = nix("nix-store", "--query", "--references", layer).stdout.split()
    assert references == layer_json(layer)["recipe"]["storePaths"]


def test_a_layer_with_a_blob_refers_to_nothing(nix):
    layer = nix.build("mkLayer { closure = [ pkgs.busybox ]; }")
    assert nix("nix-store", "--query", "--references", layer).stdout == ""


def test_zstd_is_brought_by_nix(nix, need):
    need("zstd")
    layer = nix.build('mkLayer { closure = [ pkgs.busybox ]; compressor = "zstd"; }')
    assert (layer / "layer.tar.zst").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"


def test_faulty_input_is_one_line(nix, tree):
    error = nix.failure(f'mkLayer {{ copyToRoot = {tree}; perms = [ {{ path = "nowhere"; uid = 1; }} ]; }}')
    lines = [line for line in error.splitlines() if "mk-layer: error: " in line]
    assert lines and "nowhere" in lines[0]
    assert "Traceback" not in error


def test_a_typo_is_answered_by_nix(nix):
    assert "Did you mean closure?" in nix.failure("mkLayer { closur = [ ]; }")


def test_meta_and_passthru_arrive(nix):
    expression = """
    let layer = mkLayer { meta.description = "mine"; passthru.colour = "green"; };
    in [ layer.meta.description layer.colour ]
    """
    assert nix.evaluate(expression) == ["mine", "green"]


# Two packages from the host have a libc each, the same.
LAYER = 'mkLayer { closure = [ pkgs.bash pkgs.coreutils ]; compressor = "gzip"; }'


@pytest.fixture(scope="session")
def digest(nix) -> str:
    """The digest of LAYER, as the machine's own store has it."""
    return layer_json(nix.build(LAYER))["descriptor"]["digest"]


def test_is_built_the_same_twice(nix, digest):
    nix.build(LAYER, "--check")


def test_is_built_the_same_without_a_sandbox(nix, digest):
    nix.having(sandbox="false").build(LAYER, "--check")


def test_is_the_same_where_equal_files_are_hard_links(other_store, digest):
    layer = other_store.having(auto_optimise_store="true").build(LAYER)
    libc = next((other_store.store / "nix" / "store").glob("*-bash/lib/*/libc.so.6"))
    assert libc.stat().st_nlink > 1
    assert layer_json(layer)["descriptor"]["digest"] == digest


def test_is_the_same_where_the_store_belongs_to_another_user(other_store, digest):
    nix = other_store.having(auto_allocate_uids="true", experimental_features="nix-command flakes auto-allocate-uids")
    layer = nix.build(LAYER)
    assert layer_json(layer)["descriptor"]["digest"] == digest


def test_packs_a_floating_content_addressed_path(nix):
    layer = nix.having(experimental_features="nix-command flakes ca-derivations").build("""
        let floating = import ./tests/nix/floating.nix { inherit pkgs; };
        in mkLayer { closure = [ floating ]; }
        """)
    assert [path[44:] for path in layer_json(layer)["storePaths"]] == ["floating"]


def test_a_plain_derivation_calls_the_builder_of_the_package(nix):
    layer = nix.build("""
        derivation {
          name = "plain"; inherit (pkgs.stdenv.buildPlatform) system; builder = "${pkgs.busybox}/bin/sh";
          args = [ "-c" "${laminix}/bin/mk-layer --store-path ${pkgs.busybox} --out $out" ];
        }
        """)
    assert [path[44:] for path in layer_json(layer)["storePaths"]] == ["busybox"]
