"""docker buildx takes images of serve-image, and OCI layouts, as named contexts of a Dockerfile."""

import os
import subprocess

import pytest

from file_trees import DIRECTORY, busybox
from image_maker import ImageMaker
from serve_image import serving

DOCKERFILE = "FROM base\nCOPY new /etc/new\nRUN cat /etc/motd /etc/new > /etc/both\nCMD cat /etc/both\n"
BUILDX = "/usr/libexec/docker/cli-plugins/docker-buildx"  # a plugin, where Debian has it


@pytest.fixture
def build(need, open_engine, tmp_path):
    """``build(context)`` builds DOCKERFILE on the image that CONTEXT says, and returns what a container prints."""
    need("docker", BUILDX)
    engine = open_engine("docker-containerd")
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "context/new").write_text("new day\n")

    def run(context: str) -> str:
        argv = ["docker", "buildx", "build", "--load", "--network", "none", "--tag", "built", "--build-context"]
        environment = {**os.environ, "DOCKER_HOST": engine.host}
        done = subprocess.run(
            [*argv, f"base={context}", tmp_path / "context"], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        return engine.run("built:latest").out

    return run


@pytest.fixture
def image(builder, need, tmp_path):
    need("busybox")
    maker = ImageMaker(builder, tmp_path)
    layers = [maker.layer("base", busybox()), maker.layer("old", {"etc": DIRECTORY, "etc/motd": b"old day\n"})]
    return maker.image("story", {}, *layers)


def test_a_named_context_is_served(build, image, tmp_path):
    with serving(tmp_path, image) as server:
        assert build(f"docker-image://{server.host}/story:latest") == "old day\nnew day\n"
        assert len(server.asked(kind="/blobs/")) >= 2


def test_a_named_context_is_an_image_directory(build, image):
    assert build(f"oci-layout://{image}:latest") == "old day\nnew day\n"
