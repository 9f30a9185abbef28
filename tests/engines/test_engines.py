"""End to end: images that the builders make, in every engine, each with an empty store."""

from pathlib import Path

import pytest

import image_files
from engines import registry
from engines.skopeo import Skopeo
from engines.umoci import Umoci
from file_trees import DIRECTORY, busybox
from image_maker import ImageMaker
from layer_files import layer_json

COMPRESSIONS = ("none", "gzip", "zstd")
ARCHIVES = ("docker-archive", "docker-legacy-archive")
TRANSPORTS = (  # each form, and how skopeo and its relatives may be asked to read it
    ("docker-archive", "docker-archive:{}"),
    ("docker-archive", "oci-archive:{}:latest"),
    ("docker-legacy-archive", "docker-archive:{}"),
    ("dir", "dir:{}"),
    ("oci", "oci:{}:latest"),
)
CONFIG = {
    "Env": ["PATH=/bin", "GREETING=hello from the image"],
    "Cmd": ["/bin/sh", "-c", 'echo "$GREETING"; cat /etc/motd; id -u; ls /old'],
    "User": "1000",
}
PRINTED = "hello from the image\nnew day\n1000\nkept\n"
OLD = {"etc": DIRECTORY, "etc/motd": b"old day\n", "old": DIRECTORY, "old/gone": b"", "old/kept": b""}
NEW = {"etc": DIRECTORY, "etc/motd": b"new day\n"}


class HelloImages(ImageMaker):
    """The layers and images of these tests, by the compression of their layers."""

    def base(self, compression: str) -> Path:
        """The layer directory with the programs."""
        return self.layer(f"base-{compression}", {**busybox(), **OLD}, "--compressor", compression)

    def news(self, compression: str) -> Path:
        """The layer directory that replaces a file of the base and hides another."""
        return self.layer(f"news-{compression}", NEW, "--remove", "old/gone", "--compressor", compression)

    def without_news(self, compression: str) -> Path:
        """The image directory of base-COMPRESSION:latest."""
        return self.image(f"base-{compression}", CONFIG, self.base(compression))

    def hello(self, compression: str) -> Path:
        """The image directory of hello-COMPRESSION:latest, which prints PRINTED."""
        return self.image(f"hello-{compression}", CONFIG, self.base(compression), self.news(compression))


@pytest.fixture(scope="module")
def images(builder, need, tmp_path_factory) -> HelloImages:
    """The images of this module's tests."""
    need("busybox", "zstd")
    return HelloImages(builder, tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", ARCHIVES)
def test_archive_is_loaded_and_runs(engine, images, form, compression):
    reference = engine.load(str(images.packed(images.hello(compression), form)))
    assert engine.run(reference).out == PRINTED


@pytest.mark.parametrize("name", ("podman", "buildah"))
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_image_directory_is_pulled_and_runs(open_engine, images, name, compression):
    engine = open_engine(name)
    assert engine.run(engine.pull(f"oci:{images.hello(compression)}:latest")).out == PRINTED


@pytest.mark.parametrize("name", ("podman", "buildah"))
@pytest.mark.parametrize("form, transport", TRANSPORTS)
def test_packed_image_is_pulled_and_runs(open_engine, images, name, form, transport):
    engine = open_engine(name)
    packed = images.packed(images.hello("gzip"), form)
    assert engine.run(engine.pull(transport.format(packed))).out == PRINTED


@pytest.mark.parametrize("compression", ("none", "gzip"))  # umoci knows no others
def test_umoci_unpacks_and_runc_runs(need, images, scratch, compression):
    need("umoci", "runc", root=True)
    assert Umoci(scratch).run(f"{images.hello(compression)}:latest").out == PRINTED


@pytest.mark.parametrize("name", ("docker", "docker-containerd"))
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_docker_saves_has_the_same_layers(open_engine, images, tmp_path, name, compression):
    dockerd, image, saved = open_engine(name), images.hello(compression), tmp_path / "saved.tar"
    reference = dockerd.load(str(images.packed(image, "docker-archive")))
    dockerd.save(str(saved), reference)
    assert images.diff_ids(saved) == images.diff_ids(image)


@pytest.mark.parametrize("name", ("docker", "docker-containerd"))
def test_docker_knows_all_of_the_config(open_engine, images, name):
    dockerd, image = open_engine(name), images.hello("gzip")
    reference = dockerd.load(str(images.packed(image, "docker-archive")))
    shown = dockerd.inspect(reference)
    assert {key: shown["Config"][key] for key in CONFIG} == CONFIG
    assert shown["RootFS"]["Layers"] == images.diff_ids(image)
    assert shown["Created"] == "1970-01-01T00:00:01Z"
    steps = [layer["history"].get("created_by", "") for layer in images.layers(image)]
    assert dockerd.history(reference) == steps


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("target", ("docker-archive:{}:hello:1", "oci-archive:{}:1", "oci:{}:1", "dir:{}"))
def test_skopeo_copies_keep_the_layers(need, images, scratch, tmp_path, compression, target):
    need("skopeo")
    image, copy = images.hello(compression), tmp_path / "copy"
    Skopeo(scratch).copy(f"oci:{image}:latest", target.format(copy))
    assert images.diff_ids(copy) == images.diff_ids(image)


@pytest.mark.parametrize("form, transport", TRANSPORTS)
def test_skopeo_reads_every_form(need, images, scratch, tmp_path, form, transport):
    need("skopeo")
    image, copy = images.hello("gzip"), tmp_path / "copy"
    Skopeo(scratch).copy(transport.format(images.packed(image, form)), f"dir:{copy}")
    assert images.diff_ids(copy) == images.diff_ids(image)


@pytest.fixture
def hub(need, scratch):
    """A registry without any image."""
    need(*registry.NEEDS, root=True)
    with registry.serve(scratch) as hub:
        yield hub


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_second_push_uploads_only_what_is_new(need, images, hub, scratch, compression):
    need("skopeo")
    skopeo, news = Skopeo(scratch), images.news(compression)
    first, second = images.without_news(compression), images.hello(compression)
    skopeo.push(f"oci:{first}:latest", f"docker://{hub.host}/shared:first")
    before = len(hub.uploads())
    skopeo.push(f"oci:{second}:latest", f"docker://{hub.host}/shared:second")
    new_layer = layer_json(news)["descriptor"]["digest"]
    new_config = image_files.manifest(second)["config"]["digest"]
    assert sorted(hub.uploads()[before:]) == sorted([new_layer, new_config])


@pytest.mark.parametrize("name", ("docker", "docker-containerd"))
def test_second_push_of_docker_uploads_only_what_is_new(open_engine, images, hub, name):
    dockerd = open_engine(name)
    for image, tag in ((images.without_news("gzip"), "first"), (images.hello("gzip"), "second")):
        before = len(hub.uploads())
        reference = dockerd.load(str(images.packed(image, "docker-archive")))
        dockerd.tag(reference, f"{hub.host}/shared:{tag}")
        dockerd.push(f"{hub.host}/shared:{tag}")
    assert len(hub.uploads()) - before == 2  # a layer, and the config


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_pushed_image_is_pulled_and_runs(engine, need, images, hub, scratch, compression):
    need("skopeo")
    Skopeo(scratch).push(f"oci:{images.hello(compression)}:latest", f"docker://{hub.host}/hello:1")
    assert engine.run(engine.pull(f"{hub.host}/hello:1")).out == PRINTED


@pytest.mark.parametrize("form", ARCHIVES)
def test_docker_takes_as_many_layers_as_are_allowed(open_engine, images, form):
    dockerd = open_engine("docker")  # whose classic store takes the fewest
    deep = images.image("deep", CONFIG, images.base("none"), *[images.news("none")] * 124)
    assert dockerd.run(dockerd.load(str(images.packed(deep, form)))).out == PRINTED
