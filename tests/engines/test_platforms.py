"""Images for several platforms and artifacts, in engines and a registry."""

import json

import pytest

from engines import registry
from engines.skopeo import Skopeo
from file_trees import busybox
from image_forms import ARCHITECTURE
from image_maker import ImageMaker

OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"


@pytest.fixture(scope="module")
def made(builder, need, tmp_path_factory) -> ImageMaker:
    """The images of these tests; each says for which architecture it is."""
    need("busybox")
    return ImageMaker(builder, tmp_path_factory.mktemp("images"))


def index(made: ImageMaker):
    """The image directory of example.org/x:latest for two architectures."""
    layer, images = made.layer("base", busybox()), []
    for name in (ARCHITECTURE, OTHER):
        config = made.directory / f"{name}.json"
        config.write_text(json.dumps({"Cmd": ["/bin/sh", "-c", f"echo for {name}"], "Env": ["PATH=/bin"]}))
        argv = ("--name", "x", "--layer", layer, "--architecture", name, "--config", config)
        images += ["--image", made.build(f"{name}.image", "mk-image", *argv)]
    return made.build("index", "mk-index", "--name", "example.org/x", *images)


def archive(made: ImageMaker):
    return made.build("index.tar", "pack-image", index(made), "--all", "--format", "oci-archive")


@pytest.mark.parametrize("engine_name", ["containerd", "docker-containerd", "podman"])
def test_engines_run_the_one_for_this_machine(made, open_engine, engine_name):
    engine = open_engine(engine_name)
    if engine_name == "podman":
        reference = engine.pull(f"oci-archive:{archive(made)}")
    else:
        reference = engine.load(str(archive(made)))
    ran = engine.run(reference)
    assert (ran.status, ran.out) == (0, f"for {ARCHITECTURE}\n"), ran.err


def test_podman_picks_by_arch(made, open_engine):
    podman = open_engine("podman")
    for name in (ARCHITECTURE, OTHER):
        reference = podman.pull(f"oci:{index(made)}:latest", "--arch", name)
        assert podman.architecture(reference) == name


def test_containerd_imports_another_platform(made, open_engine):
    containerd = open_engine("containerd")
    assert containerd.load(str(archive(made)), "--platform", f"linux/{OTHER}") == "example.org/x:latest"


def test_through_a_registry(made, need, scratch, open_engine):
    need("skopeo", *registry.NEEDS)
    skopeo = Skopeo(scratch)
    with registry.serve(scratch) as hub:
        there = f"docker://{hub.host}/x:1"
        skopeo.copy(f"oci:{index(made)}:latest", there, "--all", "--preserve-digests")
        manifests = skopeo.manifest(there)["manifests"]
        assert [entry["platform"]["architecture"] for entry in manifests] == [ARCHITECTURE, OTHER]
        podman = open_engine("podman")
        assert podman.architecture(podman.pull(f"{hub.host}/x:1", "--arch", OTHER)) == OTHER


def test_skopeo_copies_an_artifact(made, need, scratch, tmp_path):
    need("skopeo", *registry.NEEDS)
    (tmp_path / "note.json").write_text("{}\n")
    argv = ("--artifact-type", "application/vnd.example+json", "--file", f"application/json={tmp_path / 'note.json'}")
    attached = made.build("attached", "mk-artifact", index(made), *argv)
    skopeo = Skopeo(scratch)
    with registry.serve(scratch) as hub:
        skopeo.copy(f"oci:{attached}:@1", f"docker://{hub.host}/x:note", "--preserve-digests")
        manifest = skopeo.manifest(f"docker://{hub.host}/x:note")
    assert manifest["artifactType"] == "application/vnd.example+json"
    here = skopeo.manifest(f"oci:{attached}:latest")["manifests"][0]  # this machine's, which was not chosen otherwise
    assert manifest["subject"]["digest"] == here["digest"]
