"""What results tell of their images, and the forms that image directories have."""

import subprocess

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
