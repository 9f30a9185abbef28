"""dockerTools' functions: their arguments, and what comes of each."""

import json
import re
import subprocess
import tarfile

import pytest

import image_files
from laminix.timestamp import read_timestamp
from layer_files import layer_json, members

TREE = """
  let tree = import ./nix/docker-tools/run-bash.nix { inherit pkgs; }; in
"""


def test_what_the_results_tell(nix):
    assert (
        nix.evaluate("""
        let
          single = dockerTools.buildImage { name = "Reg.example/Path/X"; meta.description = "d"; };
          stream = dockerTools.streamLayeredImage { name = "s"; tag = "1"; passthru.mine = 3; };
          layered = dockerTools.buildLayeredImage { name = "l"; tag = "1"; compressor = "zstd"; };
        in [
          single.name single.imageName single.buildArgs.name single.meta.description (single.layer ? outPath)
          stream.name stream.isExe stream.imageTag stream.passthru.mine (stream.conf ? outPath) (stream.streamScript ? outPath)
          layered.name layered.imageName (layered.stream.isExe)
        ]
        """)
        == [
            *("docker-image-X.tar.gz", "reg.example/path/x", "Reg.example/Path/X", "d", True),
            *("stream-s", True, "1", 3, True, True),
            *("l.tar.zst", "l", True),
        ]
    )


def test_the_image_tag_does_not_drag_the_closure_along(nix):
    assert nix.evaluate("""
        map (image: builtins.hasContext image.imageTag || builtins.stringLength image.imageTag != 32) [
          (dockerTools.buildImage { name = "x"; copyToRoot = pkgs.busybox; })
          (dockerTools.streamLayeredImage { name = "x"; contents = [ pkgs.busybox ]; })
        ]
        """) == [False, False]


@pytest.mark.parametrize(
    "function, change",
    [("buildImage", 'created = "now"'), ("streamLayeredImage", 'created = "2020-01-01T00:00:00Z"')],
)
def test_created_makes_no_other_layer(nix, function, change):
    layers = f'map toString (dockerTools.{function} {{ name = "x"; config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; %s }}).layers'
    assert nix.evaluate(f"{layers % ''} == {layers % (change + ';')}")


TIMES = (
    *("@1700000000", "@0", "2023-11-14", "20231114", "2023-11-14 22:13", "2023-11-14T22:13:20", "2023-11-14 22:13:20Z"),
    *("2023-11-14 22:13:20 +0000", "2023-11-14T22:13:20+0130", "2023-11-14 22:13:20 -01:30", "2023-11-14 22:13:20+01"),
    *("2023-11-14 22:13:20 UTC", "2023-11-14T22:13:20 GMT", "2023-11-14T22:13:20.25Z"),
)


def test_created_is_read_as_date_reads_it(nix, need):
    """And so are the 14 digits of a flake's lastModifiedDate, which date does not read."""
    need("date")
    read = 'import ./nix/docker-tools/creation-time.nix { } { function = "f"; image = "x"; }'
    texts = [*TIMES, "20231114221320"]
    found = nix.evaluate(f"map ({read}) [ {' '.join(json.dumps(text) for text in texts)} ]")
    ours = [re.sub(r"\.\d+Z", "Z", read_timestamp(text, {})) for text in found]
    argv = ["date", "--utc", "+%Y-%m-%dT%H:%M:%SZ", "--date"]
    theirs = [subprocess.check_output([*argv, text], text=True).strip() for text in TIMES]
    assert ours == [*theirs, "2023-11-14T22:13:20Z"]


@pytest.mark.parametrize("text", ["yesterday", "2 days ago", "", "2023-11-14 22", "14.11.2023", "2023-11-14 22:13 CET"])
def test_other_forms_of_created_are_refused(nix, text):
    error = nix.failure(f'dockerTools.buildImage {{ name = "my-app"; created = "{text}"; }}')
    assert (
        f'dockerTools.buildImage: `created` is "{text}", but it should be a date' in error and "(image my-app)" in error
    )


def test_override(nix):
    assert nix.evaluate("""
        let image = dockerTools.buildImage { name = "x"; tag = "1"; }; in [
          (image.override { tag = "2"; }).imageTag
          (image.override (old: { tag = old.tag + "3"; })).imageTag
          ((image.override { tag = "2"; }).override { name = "y"; }).imageTag
        ]
        """) == ["2", "13", "2"]


@pytest.mark.parametrize(
    "call, complaint",
    [
        (
            'streamLayeredImage { name = "x"; maxLayers = 2; enableFakechroot = true; fakeRootCommands = "true"; }',
            "`maxLayers` is 2, but it should be at least 3",
        ),
        ('buildImage { name = "x"; created = "yesterday"; }', 'dockerTools.buildImage: `created` is "yesterday"'),
        ('streamLayeredImage { name = "x"; created = "yesterday"; }', 'or "now". (image x)'),
        ("mergeImages [ ]", "the list of images is empty"),
        (
            'pullImage { imageName = "x"; imageDigest = "sha256:0"; hash = "a"; sha256 = "b"; }',
            "`hash`, `sha256` and `outputHash` are the same argument. Give one of them. (image x)",
        ),
        (
            'streamNixShellImage { drv = pkgs.busybox; command = "a"; run = "b"; }',
            "`command` and `run` are both given",
        ),
        (
            "streamNixShellImage { drv = pkgs.busybox // { drvAttrs.__structuredAttrs = true; }; }",
            "(busybox) uses structured attributes",
        ),
        ('streamLayeredImage { name = "x"; maxLayers = 1; }', "`maxLayers` is 1, but it should be at least 2"),
        ('buildImage { name = "x"; contents = ./.; copyToRoot = ./.; }', "`contents` and `copyToRoot` are both given"),
        ('buildImage { name = "x"; fromImage = ./.; fromImageTag = "1"; }', "without `fromImageName`"),
        (
            'buildImage { name = "x"; compressor = "xz"; }',
            'dockerTools.buildImage: `compressor` is "xz", but it should be "none", "gz" or "zstd". (image x)',
        ),
        ('buildLayeredImage { name = "app"; compressor = "xz"; }', "(image app)"),
        ('buildNixShellImage { drv = pkgs.busybox; compressor = "xz"; }', "(image busybox-env)"),
        ('buildImage { name = "x"; extraComands = ""; }', "extraComands"),
    ],
)
def test_what_is_refused(nix, call, complaint):
    assert complaint in nix.failure(f"dockerTools.{call}")


def test_an_error_of_a_builder_names_image_and_attribute(nix):
    """Not the file that Nix has passed the config in, which has the same path in every build."""
    error = nix.failure('dockerTools.buildImage { name = "my-app"; config.Env = [ "GREETING" ]; }')
    assert "config.Env[0]: found 'GREETING', expected NAME=VALUE (derivation my-app-config.json)" in error


def test_contents_is_an_old_name_of_copy_to_root(nix):
    process = nix(
        "nix-build", "--no-out-link", "-E", prelude('dockerTools.buildImage { name = "x"; contents = pkgs.busybox; }')
    )
    assert "`contents` is deprecated, use `copyToRoot` instead. (image x)" in process.stderr
    assert "bin/busybox" in members(
        nix.build('(dockerTools.buildImage { name = "x"; copyToRoot = pkgs.busybox; }).layer')
    )


def prelude(expression: str) -> str:
    return f"with import ./. {{ pkgs = import ./nix/host-pkgs.nix {{ }}; }}; let pkgs = import ./nix/host-pkgs.nix {{ }}; in {expression}"


def test_commands_bring_along_what_stays_and_not_what_they_call(nix):
    layer = nix.build("""
        (dockerTools.buildImage {
          name = "x";
          extraCommands = "${pkgs.coreutils}/bin/ln -s ${pkgs.busybox}/bin/sh sh; mkdir -m 700 private";
        }).layer
        """)
    packed = layer_json(layer)["storePaths"]
    assert [path[44:] for path in packed] == ["busybox"]
    assert members(layer)["private/"].mode == 0o700


def test_fake_root_commands(nix):
    layer = nix.build("""
        (dockerTools.streamLayeredImage {
          name = "x";
          contents = [ pkgs.busybox ];
          fakeRootCommands = ''
            mkdir -p home/alice srv
            touch home/alice/file srv/su
            chown -R 1000:100 home/alice
            chown 12345:5 srv/su
            chmod 6755 srv/su
          '';
        }).layer
        """)
    found = {name: (member.uid, member.gid, member.mode) for name, member in members(layer).items()}
    assert found["home/alice/"] == (1000, 100, 0o755) and found["home/alice/file"] == (1000, 100, 0o644)
    assert found["srv/su"] == (12345, 5, 0o6755) and found["home/"] == (0, 0, 0o755)


def test_a_failing_command_fails_the_build(nix):
    assert "failed with exit code" in nix.failure(
        'dockerTools.buildImage { name = "x"; extraCommands = "false; true"; }'
    )
    call = 'dockerTools.buildLayeredImage { name = "x"; fakeRootCommands = "false; true"; }'
    assert "failed with exit code" in nix.failure(call)


def test_owners_and_perms(nix):
    layer = nix.build(TREE + """
        (dockerTools.buildImage {
          name = "x";
          copyToRoot = tree "tree" { } "mkdir -p $out/srv; ln -s ${pkgs.busybox} $out/srv/busybox; touch $out/srv/file";
          uid = 7;
          gid = 8;
          perms = [ { path = "srv/file"; mode = "0600"; gid = 9; } ];
        }).layer
        """)
    found = {name: (member.uid, member.gid) for name, member in members(layer).items()}
    assert found["srv/"] == found["srv/busybox/bin/"] == (7, 8) and found["srv/file"] == (7, 9)


def test_several_tags_and_annotations(nix):
    image = nix.build('(dockerTools.buildImage { name = "x"; tag = [ "1" "2" ]; annotations.a = "b"; }).image')
    entries = image_files.index(image)["manifests"]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["1", "2"]
    assert image_files.manifest(image)["annotations"] == {"a": "b"}


@pytest.mark.parametrize("function", ["buildImage", "buildLayeredImage"])
def test_layers_compressed_in_the_image(nix, builder, function):
    archive = nix.build(
        f'dockerTools.{function} {{ name = "x"; layerCompressor = "zstd"; config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; }}'
    )
    listed = json.loads(builder("list-layers", archive, "--json").stdout)
    assert {layer["mediaType"] for layer in listed} == {"application/vnd.oci.image.layer.v1.tar+zstd"}


@pytest.mark.parametrize("compressor", ["none", "gz", "gzip", "zstd"])
@pytest.mark.parametrize("function", ["buildImage", "buildLayeredImage"])
def test_what_a_base_has_is_not_repeated(nix, builder, function, compressor):
    """A base that is an archive of which nothing is known, however compressed."""
    image = nix.build(f"""
        dockerTools.{function} {{
          name = "x";
          fromImage = "${{dockerTools.buildImage {{ name = "base"; copyToRoot = pkgs.busybox; compressor = "{compressor}";
            config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; }}}}";
          config.Env = [ "SHELL=${{pkgs.bash}}/bin/bash" "BOX=${{pkgs.busybox}}" ];
        }}
        """)
    assert found_in_archive(image).count("busybox") == 1
    listed = json.loads(builder("list-layers", image, "--json").stdout)
    assert sum(layer["size"] for layer in listed[1:]) > 1e6  # bash came along


@pytest.mark.parametrize("function", ["buildImage", "buildLayeredImage"])
def test_nor_what_is_below_a_base_of_ours(nix, function):
    image = nix.build(f"""
        let
          foreign = "${{dockerTools.buildImage {{ name = "foreign"; copyToRoot = pkgs.busybox;
            config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; }}}}";
          base = dockerTools.{function} {{ name = "base"; fromImage = foreign; extraCommands = "echo >between"; }};
        in dockerTools.{function} {{
          name = "x"; fromImage = base; config.Env = [ "BOX=${{pkgs.busybox}}" "SHELL=${{pkgs.bash}}" ];
        }}
        """)
    assert found_in_archive(image).count("busybox") == 1 and "bash" in found_in_archive(image)


def found_in_archive(archive) -> list[str]:
    """The names of all files in the layers of a gzipped archive of plain layers, repeats included."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        names = []
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(layer)) as inner:
                names += [member.name for member in inner if member.isfile()]
    return [name.rpartition("/")[2] for name in names if name.startswith("nix/store")]


def test_layers_are_the_same_when_built_again(nix):
    expression = prelude("""dockerTools.buildLayeredImage {
          name = "x"; contents = [ pkgs.busybox ]; includeNixDB = true;
          extraCommands = "echo hello >hello"; fakeRootCommands = "chown 5 hello";
        }""")
    for attribute in ("layer", "stream"):
        nix("nix-build", "--no-out-link", "-E", f"({expression}).{attribute}")
        nix("nix-build", "--no-out-link", "--check", "-E", f"({expression}).{attribute}")


def test_the_streamed_archive_is_the_built_one(nix):
    call = '{ name = "x"; contents = [ pkgs.busybox ]; extraCommands = "echo hello >hello"; %s }'
    stream = nix.build(f"dockerTools.streamLayeredImage {call % ''}")
    plain = 'compressor = "none";'
    archive = nix.build(f"dockerTools.buildLayeredImage {call % plain}")
    assert subprocess.run([stream], capture_output=True, check=True).stdout == archive.read_bytes()


def test_the_nixos_test_has_the_script_and_its_images(nix):
    """What runs it is nixpkgs'; here a stand-in that shows what it is given."""
    expression = """
      let
        pkgs = import ./tests/docker_tools/packages.nix { };
        test = import ./tests/docker_tools/vm-test.nix {
          pkgs = pkgs // { curl = pkgs.busybox; testers.runNixOSTest = test: test; };
          inherit dockerTools;
        };
      in [ (builtins.attrNames test.nodes) (builtins.hasContext test.testScript) test.testScript ]
    """
    nodes, has_context, script = nix.evaluate(expression)
    assert nodes == ["docker"] and has_context
    compile(script, "vm-test.py", "exec")


def test_nixpkgs_own_make_overridable_is_taken(nix):
    assert nix.evaluate("""
        let own = import ./. { pkgs = pkgs // { lib.makeOverridable = function: { theirs = true; }; }; };
        in own.dockerTools.buildImage.theirs && own.dockerTools.streamLayeredImage.theirs
        """)


def test_a_streamed_layer_that_a_command_compresses_keeps_its_blob(nix):
    """A stream makes layers again from their recipes, which name no command."""
    image = nix.build("""
        (dockerTools.streamLayeredImage {
          name = "x";
          contents = [ pkgs.busybox ];
          layerCompressor = "${pkgs.busybox}/bin/busybox gzip";
        }).image
        """)
    assert not (image / "layers").exists()
