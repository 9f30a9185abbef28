"""mkImage: what it takes along, what it is called, and what comes of it."""

import json
import re
from pathlib import Path

import pytest

from image_files import blob_path, config, index, manifest
from layer_files import layer_json, members, names
from run_nix import Nix


def packed(nix: Nix, layer: Path) -> list[str]:
    """The names of the store paths in a layer directory."""
    return [path[44:] for path in layer_json(layer)["storePaths"]]


def layer_directories(image: Path) -> list[Path]:
    digests = [layer["digest"] for layer in manifest(image)["layers"]]
    return [blob_path(image, digest).resolve().parent for digest in digests]


def test_what_the_config_mentions_comes_along(nix):
    image = nix.build('mkImage { name = "x"; config.Cmd = [ "${pkgs.busybox}/bin/httpd" "-f" ]; }')
    assert [packed(nix, layer) for layer in layer_directories(image)] == [["busybox"]]


def test_what_a_string_hides_comes_along_too(nix):
    """A full stop after a store path could be part of its name: Nix has to look, not evaluation."""
    image = nix.build('mkImage { name = "x"; config.Cmd = [ "See ${pkgs.busybox}." ]; }')
    assert [packed(nix, layer) for layer in layer_directories(image)] == [["busybox"]]


def test_a_floating_path_that_the_config_mentions_comes_along(nix):
    image = nix.having(experimental_features="nix-command flakes ca-derivations").build("""
        let floating = import ./tests/nix/floating.nix { inherit pkgs; };
        in mkImage { name = "x"; config.Env = [ "F=${floating}" ]; }
        """)
    assert [packed(nix, layer) for layer in layer_directories(image)] == [["floating"]]


def test_what_a_layer_has_does_not_come_along_again(nix):
    image = nix.build("""
        mkImage {
          name = "x"; layers = [ (mkLayer { closure = [ pkgs.busybox ]; }) ];
          config.Cmd = [ "${pkgs.busybox}/bin/sh" ];
        }
        """)
    assert [packed(nix, layer) for layer in layer_directories(image)] == [["busybox"]]


def test_a_config_that_mentions_nothing_brings_nothing(nix):
    image = nix.build('mkImage { name = "x"; config.Cmd = [ "/bin/sh" ]; }')
    assert manifest(image)["layers"] == []


def test_copy_to_root_is_one_layer(nix, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("content")
    image = nix.build(f'mkImage {{ name = "x"; copyToRoot = {tmp_path}/tree; }}')
    assert len(manifest(image)["layers"]) == 1


APP = """
let
  library = builtins.toFile "library" "a library";
  program = builtins.toFile "program" "uses ${library}";
  tool = builtins.toFile "tool" "a tool";
  app = { files."/bin/tool".link = tool; config.Cmd = [ program ]; name = "x"; };
in
"""


def contents(nix: Nix, image: str) -> list[list[str]]:
    """What each layer of the image IMAGE has: the names of its store paths, or those of its files."""
    layers = layer_directories(nix.build(APP + image))
    return [packed(nix, layer) or names(layer) for layer in layers]


def test_store_paths_have_layers_below_the_files(nix):
    *stored, files = contents(nix, "mkImage app")
    assert sorted(stored) == [["library"], ["program"], ["tool"]]
    assert files == ["bin/", "bin/tool"]


def test_given_layers_stay_below(nix):
    given = 'layers = [ (mkLayer { closure = [ tool ]; }) (mkLayer { files."/etc".directory = true; }) ];'
    tool, etc, *stored, files = contents(nix, f"mkImage (app // {{ {given} }})")
    assert (tool, etc, files) == (["tool"], ["etc/"], ["bin/", "bin/tool"])
    assert sorted(stored) == [["library"], ["program"]]


@pytest.mark.parametrize("limit, layers", [(3, 2), (2, 1), (1, 1)])
def test_the_limit_counts_the_files(nix, limit, layers):
    *stored, _ = contents(nix, f"mkImage (app // {{ maxLayers = {limit}; }})")
    assert len(stored) == layers


@pytest.mark.parametrize("parent", ["base", "base.dockerArchive"])
def test_the_limit_counts_the_parent_but_leaves_one_layer(nix, parent):
    base = 'base = mkImage { name = "base"; layers = builtins.genList (n: mkLayer { files."/${toString n}".text = ""; }) 4; };'
    image = nix.build(f"{APP} let {base} in mkImage (app // {{ maxLayers = %d; fromImage = {parent}; }})" % 4)
    assert len(manifest(image)["layers"]) == 4 + 1 + 1


@pytest.mark.parametrize("source", ["pkgs.busybox", '"${pkgs.busybox}/bin"'])
@pytest.mark.parametrize(
    "mention", ['config.Cmd = [ "${pkgs.busybox}/bin/sh" ]', 'files."/x".link = pkgs.busybox.outPath']
)
def test_a_package_that_is_copied_to_the_root_is_in_the_store_if_something_else_mentions_it(nix, source, mention):
    stored, files = contents(nix, f'mkImage {{ name = "x"; copyToRoot = {source}; {mention}; }}')
    assert stored == ["busybox"] and {"bin/sh", "sh"} & set(files)


def test_a_package_that_is_copied_to_the_root_is_not_in_the_store_otherwise(nix):
    [files] = contents(nix, 'mkImage { name = "x"; copyToRoot = pkgs.busybox; }')
    assert "bin/sh" in files and not any("store" in name for name in files)


def test_rules_apply_to_the_files(nix):
    rule = 'perms = [ { path = "srv"; mode = "0700"; uid = 7; } ];'
    image = nix.build(f'mkImage {{ name = "x"; files."/srv".directory = true; {rule} }}')
    srv = members(layer_directories(image)[-1])["srv/"]
    assert (srv.mode, srv.uid) == (0o700, 7)


def test_the_plan_is_asked_of_the_image(nix):
    plan = json.loads(nix.build(APP + "(mkImage app).plan").read_bytes())
    assert len(plan["layers"]) == 3
    assert nix.evaluate('mkImage { name = "x"; } ? plan') is False


def test_blobs_are_links_to_their_layers(nix):
    image = nix.build('mkImage { name = "x"; layers = [ (mkLayer { closure = [ pkgs.busybox ]; }) ]; }')
    digest = manifest(image)["layers"][0]["digest"]
    assert blob_path(image, digest).is_symlink()


def test_a_layer_in_many_images_is_one_store_path(nix):
    morning, evening = (nix.build(f"examples.{name}") for name in ("morning", "evening"))
    assert morning != evening
    assert layer_directories(morning) == layer_directories(evening)


def test_images_that_mention_the_same_share_that_layer(nix):
    image = 'mkImage { name = "%s"; config.Cmd = [ "${pkgs.busybox}/bin/%s" ]; }'
    ls, env = (nix.build(image % (name, name)) for name in ("ls", "env"))
    assert layer_directories(ls) == layer_directories(env) != []


def test_the_layers_of_a_plan_stand_among_others(nix):
    image = nix.build("""
        let
          plan.layers = map (package: { storePaths = [ package.outPath ]; }) [ pkgs.bash pkgs.busybox ];
          top = mkLayer { remove = [ "etc/motd" ]; };
        in
        mkImage { name = "x"; layers = [ (mkLayers { inherit plan; }) top ]; }
        """)
    assert [packed(nix, layer) for layer in layer_directories(image)] == [["bash"], ["busybox"], []]


def test_the_platform_is_told_by_nix(nix):
    written = config(nix.build('mkImage { name = "x"; architecture = "arm"; variant = "v7"; os = "linux"; }'))
    assert (written["architecture"], written["variant"], written["os"]) == ("arm", "v7", "linux")


def test_created_and_annotations(nix):
    how = 'created = "2020-02-02T02:02:02+02:00"; annotations."org.x" = "y=z";'
    image = nix.build(f'mkImage {{ name = "x"; {how} }}')
    assert config(image)["created"] == "2020-02-02T00:02:02Z"
    assert manifest(image)["annotations"] == {"org.x": "y=z"}


def test_several_tags_are_several_entries(nix):
    image = nix.build('mkImage { name = "example.org:5000/a/x"; tag = [ "1.0" "latest" ]; }')
    entries = index(image)["manifests"]
    names = [entry["annotations"]["io.containerd.image.name"] for entry in entries]
    assert names == ["example.org:5000/a/x:1.0", "example.org:5000/a/x:latest"]


NAMED = 'mkImage { name = "example.org:5000/a/x"; tag = "1.0"; config.User = "me"; }'


def test_name_tag_and_config_are_asked_of_the_image(nix):
    expression = f"let i = {NAMED}; in [ i.name i.imageName i.imageTag i.config ]"
    assert nix.evaluate(expression) == ["x.tar", "example.org:5000/a/x", "1.0", {"User": "me"}]


@pytest.mark.parametrize("form", ["dockerArchive", "dockerLegacyArchive", "dir", "oci"])
def test_name_and_tag_are_asked_of_each_form(nix, form):
    expression = f"let f = ({NAMED}).{form}; in [ f.imageName f.imageTag ]"
    assert nix.evaluate(expression) == ["example.org:5000/a/x", "1.0"]


def test_a_bad_name_is_told_by_the_builder(nix):
    error = nix.failure('mkImage { name = "Bad Name"; }')
    assert "mk-image: error: " in error and "Bad Name" in error


def test_a_bad_config_is_told_by_its_path(nix):
    assert "config.Env[1]: " in nix.failure('mkImage { name = "x"; config.Env = [ "A=1" 2 ]; }')


@pytest.mark.parametrize(
    "form, compression",
    [
        ("examples.hello.ociArchive", "gzip"),
        ("examples.hello.dockerArchive", "tar"),
        ('packImage { image = examples.hello; format = "oci-archive"; layerCompressor = "keep"; }', "tar"),
        ('packImage { image = examples.hello; layerCompressor = "zstd"; }', "zstd"),
        ('packImage { image = examples.hello; format = "dir"; layerCompressor = "gz"; }', "gzip"),
    ],
)
def test_layers_are_compressed_for_the_way_out(nix, form, compression):
    layers = json.loads(nix.build(f"listLayers {{ json = true; image = {form}; }}").read_bytes())
    assert {re.split("[.+]", layer["mediaType"])[-1] for layer in layers} == {compression}
    assert [layer["diffID"] for layer in layers] == config(nix.build("examples.hello"))["rootfs"]["diff_ids"]


def test_the_archive_holds_all_it_needs_and_refers_to_nothing(nix):
    archive = nix.build("examples.hello.dockerArchive")
    assert nix("nix-store", "--query", "--references", archive).stdout == ""


def test_a_layer_without_a_blob_is_made_again_in_the_archive(nix):
    image = """mkImage { name = "x"; layers = [ (mkLayer { closure = [ pkgs.busybox ]; blob = %s; }) ]; }"""
    archives = [nix.build(f"({image % blob}).dockerArchive") for blob in ("true", "false")]
    assert archives[0].read_bytes() == archives[1].read_bytes()


ARCHIVE = "examples.on-archive.dockerArchive"


def test_the_archive_is_built_the_same_twice(nix):
    nix.build(ARCHIVE)
    nix.build(ARCHIVE, "--check")


def test_the_archive_is_the_same_from_a_store_of_another_owner_with_hard_links(nix, other_store):
    other = other_store.having(
        auto_allocate_uids="true",
        experimental_features="nix-command flakes auto-allocate-uids",
        auto_optimise_store="true",
    )
    assert other.build(ARCHIVE).read_bytes() == nix.build(ARCHIVE).read_bytes()
