"""Images for several platforms and artifacts, in engines and a registry."""

import json

import pytest

from engines import registry
from engines.program import output
from engines.skopeo import Skopeo
from file_trees import busybox
from image_forms import ARCHITECTURE
from image_maker import ImageMaker

SPDX = "https://spdx.dev/Document"
BUILDX = "/usr/libexec/docker/cli-plugins/docker-buildx"  # Debian does not put it on PATH
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


def attested(made: ImageMaker):
    """The same with a bill of materials of each image, as BuildKit attaches them."""
    index(made)
    images = [made.directory / f"{name}.image" for name in (ARCHITECTURE, OTHER)]
    listed = []
    for name, image in zip((ARCHITECTURE, OTHER), images):
        bill = made.directory / f"{name}.spdx.json"
        bill.write_text(made.run("mk-sbom", image, "--format", "spdx", "--name", f"bill-of-{name}"))
        listed.append({"platform": f"linux/{name}", "predicateType": SPDX, "predicate": str(bill)})
    (made.directory / "attestations.json").write_text(json.dumps(listed))
    argv = ("--name", "example.org/x", "--attestations", made.directory / "attestations.json")
    return made.build("attested", "mk-index", *argv, *(word for image in images for word in ("--image", image)))


def archive(made: ImageMaker, layout):
    return made.build(f"{layout.name}.tar", "pack-image", layout, "--all", "--format", "oci-archive")


@pytest.mark.parametrize("layout", [index, attested])
@pytest.mark.parametrize("engine_name", ["containerd", "docker-containerd", "podman"])
def test_engines_run_the_one_for_this_machine(made, open_engine, engine_name, layout):
    engine, file = open_engine(engine_name), archive(made, layout(made))
    if engine_name == "podman":
        reference = engine.pull(f"oci-archive:{file}")
    else:
        reference = engine.load(str(file))
    ran = engine.run(reference)
    assert (ran.status, ran.out) == (0, f"for {ARCHITECTURE}\n"), ran.err


def test_podman_picks_by_arch(made, open_engine):
    podman = open_engine("podman")
    for name in (ARCHITECTURE, OTHER):
        reference = podman.pull(f"oci:{index(made)}:latest", "--arch", name)
        assert podman.architecture(reference) == name


def test_containerd_imports_another_platform(made, open_engine):
    containerd = open_engine("containerd")
    assert containerd.load(str(archive(made, index(made))), "--platform", f"linux/{OTHER}") == "example.org/x:latest"


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


def test_buildx_finds_the_attestations(made, need, scratch):
    need(BUILDX, *registry.NEEDS)
    with registry.serve(scratch) as hub:
        there = f"{hub.host}/x:1"
        made.run("push-image", attested(made), f"docker://{there}", "--all")
        argv = (BUILDX, "imagetools", "inspect", there, "--format", "{{json .SBOM}}")
        bills = json.loads(output(*argv, env={"BUILDX_CONFIG": f"{scratch}/buildx"}))
    named = {platform: bill["SPDX"]["name"] for platform, bill in bills.items()}
    assert named == {f"linux/{name}": f"bill-of-{name}" for name in (ARCHITECTURE, OTHER)}


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
