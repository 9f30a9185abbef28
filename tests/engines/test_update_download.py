"""The download that diff-image predicts against what engines fetch from a registry for an update."""

import json
import random

import pytest

from engines import containerd, registry
from engines.skopeo import Skopeo
from file_trees import busybox
from image_maker import ImageMaker

UPDATES = 8


@pytest.fixture(scope="module")
def made(builder, tmp_path_factory) -> ImageMaker:
    """The layers and images of these tests."""
    return ImageMaker(builder, tmp_path_factory.mktemp("images"))


def layer(made: ImageMaker, number: int, version: int):
    content = random.Random(f"{number} {version}").randbytes(3000 + 500 * number)
    return made.layer(f"layer-{number}-{version}", {f"f{number}": content}, "--compressor", "gzip")


def image(made: ImageMaker, name: str, versions: list[int]):
    """An image of a base and a layer of each number in its version; none for version 0."""
    base = made.layer("base", busybox(), "--compressor", "gzip")
    layers = [layer(made, number, version) for number, version in enumerate(versions) if version]
    return made.image(name, {"Cmd": ["/bin/true"]}, base, *layers)


@pytest.mark.parametrize("engine_name", ["containerd", "podman"])
def test_the_prediction_is_what_is_fetched(made, need, scratch, open_engine, engine_name):
    need("skopeo", *registry.NEEDS, *containerd.NEEDS)
    engine, chance, skopeo = open_engine(engine_name), random.Random(engine_name), Skopeo(scratch)
    versions = [1] * 6
    with registry.serve(scratch) as hub:

        def released(tag: int):
            path = image(made, f"{engine_name}-{tag}", versions)
            skopeo.push(f"oci:{path}:latest", f"docker://{hub.host}/app:{tag}")
            return path

        before = released(0)
        engine.pull(f"{hub.host}/app:0")
        for update in range(1, UPDATES + 1):
            for number in chance.sample(range(6), chance.randint(1, 3)):
                versions[number] = chance.choice([0, update + 1, update + 1])
            after = released(update)
            predicted = json.loads(made.run("diff-image", before, after, "--json", "--no-contents"))
            seen = len(hub.downloads())
            engine.pull(f"{hub.host}/app:{update}")
            config = skopeo.manifest(f"docker://{hub.host}/app:{update}")["config"]["digest"]
            fetched = {digest: size for digest, size in hub.downloads()[seen:] if digest != config}
            assert set(fetched) == {layer["digest"] for layer in predicted["layers"]["added"]}
            assert sum(fetched.values()) == predicted["download"]
            before = after


def test_an_image_in_a_registry_takes_two_requests(made, need, scratch):
    need("skopeo", *registry.NEEDS)
    path, skopeo = image(made, "counted", [1, 1]), Skopeo(scratch)
    with registry.serve(scratch) as hub:
        skopeo.push(f"oci:{path}:latest", f"docker://{hub.host}/app:1")
        with hub.counted() as requests:
            result = json.loads(made.run("diff-image", f"docker://{hub.host}/app:1", path, "--json", "--no-contents"))
    assert result["alike"]
    assert ["/manifests/" in request.path for request in requests] == [True, False]  # the manifest, then the config
