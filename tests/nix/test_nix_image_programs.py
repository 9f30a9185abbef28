"""The programs of an image that Nix built."""

import json
import os
import subprocess

import pytest

from engines import registry
from serve_image import serving

IMAGES = {
    "mkImage": "examples.hello",
    "mergeParent": "examples.on-layers",
}
PROGRAMS = [
    ("push", "push-image"),
    ("copyToRegistry", "push-image"),
    ("serve", "serve-image"),
    ("load", "load-image"),
    ("copyToDockerDaemon", "load-image"),
    ("copyToPodman", "load-image"),
]


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_serve_serves_the_image(nix, builder, tmp_path, image):
    [directory, program] = nix.build_all(f"[ {image} {image}.serve ]")
    with serving(tmp_path, program=[program / "bin/serve-image"]) as server:
        done = builder("list-layers", "--json", f"docker://{server.names[0]}")
        assert done.returncode == 0
    own = builder("list-layers", "--json", directory)
    assert [layer["digest"] for layer in json.loads(done.stdout)] == [
        layer["digest"] for layer in json.loads(own.stdout)
    ]


def test_push_pushes_the_image(nix, need, builder, scratch):
    need("docker-registry", root=True)
    [directory, program] = nix.build_all("[ examples.hello examples.hello.push ]")
    with registry.serve(scratch) as hub:
        address = f"docker://{hub.host}/hello:1"
        argv = [program / "bin/push-image", address, "--preserve-digests"]
        done = subprocess.run(argv, capture_output=True, text=True, env={"HOME": "/nonexistent"})
        assert (done.returncode, done.stderr) == (0, "")
        pushed = builder("list-layers", "--json", address)
    own = builder("list-layers", "--json", directory)
    assert [layer["digest"] for layer in json.loads(pushed.stdout)] == [
        layer["digest"] for layer in json.loads(own.stdout)
    ]


@pytest.mark.parametrize("name, program", PROGRAMS)
def test_each_is_its_packages_main_program(nix, name, program):
    assert nix.evaluate(f"examples.hello.{name}.meta.mainProgram") == program


@pytest.mark.parametrize("name, attribute", (("docker", "load"), ("docker", "copyToDockerDaemon")))
def test_load_loads_the_image(nix, open_engine, name, attribute):
    engine = open_engine(name)
    program = nix.build(f"examples.hello.{attribute}")
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": engine.host}
    done = subprocess.run([program / "bin/load-image"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert engine.references() == ["hello:latest"]
