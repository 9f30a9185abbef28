"""What results tell of their images, and the forms that image directories have."""

import os
import subprocess
from pathlib import Path

import pytest

from engines import daemon
from engines.skopeo import Skopeo

IMAGE = 'image = mkImage { name = "app"; tag = "2"; copyToRoot = pkgs.busybox; };'


def test_a_streamer_says_what_it_streams(nix):
    found = nix.evaluate(f"let {IMAGE} in with mkStreamer {{ inherit image; }}; [ imageName imageTag isExe ]")
    assert found == ["app", "2", True]


def test_a_streamer_of_a_file_has_no_name(nix):
    assert nix.evaluate('(mkStreamer { image = "/nix/store/x"; }) ? imageName') is False


@pytest.mark.parametrize("compressor, ending", [("none", ""), ("gzip", ".gz"), ("zstd", ".zst"), ("xz", "")])
def test_a_compressed_archive_is_named_by_its_content(nix, compressor, ending):
    call = f'let {IMAGE} in compress {{ file = image.dockerArchive; compressor = "{compressor}"; }}'
    assert nix.evaluate(f"with ({call}); [ name imageName imageTag ]") == [f"app.tar{ending}", "app", "2"]


def test_a_compressed_file_without_a_name_has_the_ending_too(nix):
    assert nix.evaluate('(compress { file = "${pkgs.busybox}/bin/busybox"; }).name') == "file.gz"


def test_the_stream_of_an_image_is_its_archive(nix):
    stream, archive = nix.build_all(f"let {IMAGE} in [ image.stream image.dockerArchive ]")
    assert subprocess.run([stream], capture_output=True, check=True).stdout == archive.read_bytes()


def test_an_image_on_a_parent_has_a_stream_too(nix):
    image = 'mkImage { name = "child"; fromImage = mkImage { name = "parent"; }; }'
    assert nix.evaluate(f"with ({image}).stream; [ imageName isExe name ]") == ["child", True, "stream-child"]


@pytest.mark.parametrize("function", ["buildImage", "buildLayeredImage"])
def test_skopeo_copies_an_archive_of_docker_tools(nix, need, tmp_path, function):
    need("skopeo")
    archive = nix.build(
        f'dockerTools.{function} {{ name = "app"; tag = "1"; config.Cmd = [ "${{pkgs.busybox}}/bin/sh" ]; }}'
    )
    with daemon.scratch() as directory:
        Skopeo(directory).copy(f"docker-archive:{archive}", f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy" / "manifest.json").is_file()


def test_attributes_of_results(nix):
    found = nix.evaluate("""
        let
          image = dockerTools.buildLayeredImage {
            name = "app"; tag = "1"; meta.mainProgram = "app"; passthru.tests = { };
          };
        in [
          image.type image.meta.mainProgram image.passthru.tests (image.overrideAttrs { name = "other"; }).name
          (image.overrideAttrs (old: { passthru = old.passthru // { mine = 1; }; })).mine
          (image.overrideAttrs (final: previous: { name = "${previous.name}.x"; })).name
        ]
        """)
    assert found == ["derivation", "app", {}, "other", 1, "app.tar.gz.x"]


def test_an_image_as_text_is_its_archive(nix):
    """Modules and expressions written for dockerTools interpolate images, and expect archives."""
    found = nix.evaluate(f"""
        let {IMAGE} archive = image.dockerArchive; in [
          ("${{image}}" == archive.outPath) (toString image == archive.outPath) (image.name == archive.name)
          (image.outPath == archive.outPath) (image.drvPath == archive.drvPath) image.type
        ]
        """)
    assert found == [True, True, True, False, False, "derivation"]


@pytest.mark.parametrize(
    "image, archive",
    [
        ('mkImage { name = "x"; fromImage = mkImage { name = "p"; }; }', "dockerArchive"),
        ('mkIndex { images = [ (mkImage { name = "x"; }) ]; }', "ociArchive"),
        ('mkArtifact { image = mkImage { name = "x"; }; artifactType = "a/b"; files = [ ]; }', "dockerArchive"),
        (
            'fetchImage { imageName = "h/x"; imageDigest = "sha256:0"; hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; }',
            "dockerArchive",
        ),
    ],
)
def test_so_is_every_other_image_directory(nix, image, archive):
    assert nix.evaluate(f'let image = {image}; in [ ("${{image}}" == image.{archive}.outPath) image.name ]') == [
        True,
        nix.evaluate(f"({image}).{archive}.name"),
    ]


def test_an_image_is_built_as_a_directory_and_read_as_one(nix):
    """No archive comes into the store for nix-build, nor for functions that read the image."""
    directory = nix.build(f"let {IMAGE} in image")
    assert (directory / "index.json").is_file()
    for reader in ("listLayers { inherit image; }", "mkStreamer { inherit image; }", "image.run"):
        needed = nix.evaluate(f"let {IMAGE} in ({reader}).drvPath")
        closure = nix("nix-store", "--query", "--requisites", needed).stdout
        assert "-app.drv" in closure and "-app.tar.drv" not in closure, reader


def test_an_archive_of_what_overriding_makes(nix):
    found = nix.evaluate(
        f'let {IMAGE} other = image.overrideAttrs {{ name = "other"; }}; in [ other.name "${{other}}" ]'
    )
    assert found[0] == "other.tar" and found[1].endswith("-other.tar")


def test_compress_takes_an_image_for_its_archive(nix):
    assert nix.evaluate(
        f"let {IMAGE} in (compress {{ file = image; }}).outPath == (compress {{ file = image.dockerArchive; }}).outPath"
    )


# As nixpkgs' lib has it.
GET_EXE = 'getExe = p: "${p.bin or p.out or p}/bin/${p.meta.mainProgram}";'


@pytest.mark.parametrize(
    "program, name",
    [
        ("image.stream", "stream-app"),
        ("image.run", "run"),
        ('mkStreamer { inherit image; meta.mainProgram = "app"; }', "app"),
        ('dockerTools.streamLayeredImage { name = "Layered"; meta.description = "d"; }', "stream-Layered"),
    ],
)
def test_get_exe_finds_a_program_that_is_its_own_output(nix, program, name):
    [package, itself] = nix.build_all(f"let {IMAGE} program = {program}; in [ program.bin program ]")
    found = nix.evaluate(f"let {IMAGE} {GET_EXE} in getExe ({program})")
    assert found == f"{package}/bin/{name}"
    assert Path(found).resolve() == itself and os.access(found, os.X_OK)


def test_the_program_that_get_exe_finds_streams(nix):
    package, archive = nix.build_all(f"let {IMAGE} in [ image.stream.bin image.dockerArchive ]")
    program = package / "bin" / "stream-app"
    assert subprocess.run([program], capture_output=True, check=True).stdout == archive.read_bytes()


def test_results_name_their_outputs_as_nixpkgs_lib_expects(nix):
    results = (
        '[ image image.dockerArchive image.stream (dockerTools.fakeNss) (dockerTools.buildImage { name = "x"; }) ]'
    )
    assert nix.evaluate(f"let {IMAGE} in map (result: result.outputs) {results}") == [["out"]] * 5
