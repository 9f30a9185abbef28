"""builders/mk-streamer: a program that streams an image."""

import json
import os
import subprocess
import tarfile

import pytest


@pytest.fixture
def image(builder, tmp_path, monkeypatch):
    """An image directory whose one layer keeps no tar, where what it packs is a store path."""
    monkeypatch.setenv("NIX_STORE", str(tmp_path))
    store_path = tmp_path / ("0" * 32 + "-hello")
    store_path.mkdir()
    (store_path / "hello").write_text("hello\n")
    run(builder, "mk-layer", "--store-path", store_path, "--no-blob", "--out", tmp_path / "layer")
    run(builder, "mk-image", "--name", "hello", "--layer", tmp_path / "layer", "--out", tmp_path / "image")
    return tmp_path / "image"


def run(builder, *arguments):
    ran = builder(*arguments)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def stream(builder, image, tmp_path):
    run(builder, "mk-streamer", image, "--out", tmp_path / "stream")
    return tmp_path / "stream"


def streamed(stream, *options):
    return subprocess.run([stream, *options], capture_output=True)


def tags(archive, tmp_path):
    path = tmp_path / "archive.tar"
    path.write_bytes(archive)
    with tarfile.open(path) as tar:
        return json.load(tar.extractfile("manifest.json"))[0]["RepoTags"]


def test_writes_what_pack_image_writes(builder, image, stream, tmp_path):
    packed = builder("pack-image", image, "--format", "docker-archive", "--out", "-", text=False).stdout
    ran = streamed(stream)
    assert (ran.returncode, ran.stderr) == (0, b"") and ran.stdout == packed
    assert tags(packed, tmp_path) == ["hello:latest"]


def test_knows_the_store_that_it_was_made_in(stream, monkeypatch):
    monkeypatch.delenv("NIX_STORE")
    assert streamed(stream).returncode == 0


@pytest.mark.parametrize("option", ["-t", "--repo_tag"])
def test_by_another_name(stream, tmp_path, option):
    assert tags(streamed(stream, option, "example.org/x:2").stdout, tmp_path) == ["example.org/x:2"]


def test_a_store_path_that_changed_is_noticed(stream, tmp_path):
    path = tmp_path / ("0" * 32 + "-hello") / "hello"
    path.write_text("Hello\n")
    ran = streamed(stream)
    assert ran.returncode == 1 and ran.stderr.startswith(b"pack-image: error: ") and ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("interpreter", ["bash", "sh"])
def test_a_shell_that_is_given_the_program_starts_python(stream, interpreter):
    ran = subprocess.run([interpreter, stream, "--repo_tag", "x:2"], capture_output=True)
    assert (ran.returncode, ran.stdout) == (0, streamed(stream, "--repo_tag", "x:2").stdout)


def test_wrong_usage(stream):
    assert streamed(stream, "--nonsense").returncode == 2


def test_only_the_tools_that_were_given_are_called(builder, image, tmp_path):
    run(builder, "mk-streamer", image, "--tools", "/first/bin", "--tools", "/second", "--out", tmp_path / "stream")
    assert "\nPATH = '/first/bin:/second'\n" in (tmp_path / "stream").read_text()


def test_an_image_that_is_not_there(builder, tmp_path):
    ran = builder("mk-streamer", tmp_path / "none", "--out", tmp_path / "stream")
    assert ran.returncode == 1
    assert ran.stderr == f"mk-streamer: error: cannot read image: no such file or directory ({tmp_path}/none)\n"
    assert os.listdir(tmp_path) == []
