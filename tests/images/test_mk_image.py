"""mk-image: an OCI image layout of layer directories, small where they lie in a store."""

import functools
import json
import os
import re
import shutil

import pytest

import image_files
from engines.skopeo import Skopeo
from file_trees import DIRECTORY
from image_maker import ImageMaker
from layer_files import layer_json

CONFIG = {"Env": ["A=b"], "Cmd": ["/bin/x"]}


@pytest.fixture
def maker(builder, tmp_path) -> ImageMaker:
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def base(maker):
    return maker.layer("base", {"etc": DIRECTORY, "etc/base": b"base"})


@pytest.fixture
def app(maker):
    return maker.layer("app", {"app": b"app"}, "--compressor", "gzip")


@pytest.fixture
def refused(maker):
    """``refused(…)``: the error line of mk-image, which leaves no files behind."""
    return functools.partial(maker.refused, "mk-image")


def parts(image):
    """Index, manifest and config of an image directory."""
    return image_files.index(image), image_files.manifest(image), image_files.config(image)


def test_makes_a_layout_of_the_layers(maker, base, app):
    image = maker.image("hello", CONFIG, base, app)
    index, manifest, config = parts(image)
    assert json.loads((image / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert manifest["layers"] == [layer_json(base)["descriptor"], layer_json(app)["descriptor"]]
    assert config["rootfs"] == {
        "type": "layers",
        "diff_ids": [layer_json(each)["diffID"] for each in (base, app)],
    }
    assert config["config"] == CONFIG
    assert config["created"] == "1970-01-01T00:00:01Z"
    assert [entry["created_by"] for entry in config["history"]] == ["mk-layer", "mk-layer"]
    assert {entry["created"] for entry in config["history"]} == {"1970-01-01T00:00:01Z"}
    assert len(os.listdir(image / "blobs/sha256")) == 4


def test_has_an_entry_for_each_tag_with_the_qualified_name(maker, base):
    argv = ("--name", "hello", "--tag", "1", "--tag", "latest", "--tag", "1", "--layer", base)
    index, _, _ = parts(maker.build("image", "mk-image", *argv))
    assert len({entry["digest"] for entry in index["manifests"]}) == 1
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {
            "io.containerd.image.name": f"docker.io/library/hello:{tag}",
            "org.opencontainers.image.ref.name": tag,
        }
        for tag in ("1", "latest")
    ]


def test_says_platform_time_and_annotations(maker, base):
    options = (
        "--architecture",
        "arm",
        "--os",
        "linux",
        "--variant",
        "v7",
        "--created",
        "2024-01-02T03:04:05+01:00",
    )
    annotations = ("--annotation", "z=1=2", "--annotation", "a=")
    image = maker.build("image", "mk-image", "--name", "a/b", "--layer", base, *options, *annotations)
    _, manifest, config = parts(image)
    assert (config["architecture"], config["os"], config["variant"]) == ("arm", "linux", "v7")
    assert config["created"] == "2024-01-02T02:04:05Z"
    assert list(manifest["annotations"].items()) == [("a", ""), ("z", "1=2")]


def test_same_layer_twice_is_listed_twice_and_stored_once(maker, base):
    image = maker.image("twice", CONFIG, base, base)
    _, manifest, config = parts(image)
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 2
    assert len(os.listdir(image / "blobs/sha256")) == 3


def test_same_input_gives_the_same_bytes(maker, base, app):
    layers = ("--name", "x", "--layer", base, "--layer", app)
    one, other = (maker.build(name, "mk-image", *layers) for name in ("one", "other"))
    for directory, _, names in os.walk(one):
        for name in names:
            path = os.path.join(directory, name)
            assert open(path, "rb").read() == (other / os.path.relpath(path, one)).read_bytes()


def test_blob_in_a_store_is_a_link_any_other_is_a_copy(builder, tmp_path, base, app):
    store = tmp_path / "store"
    store.mkdir()
    stored = shutil.copytree(base, store / "stored")
    (tmp_path / "result").symlink_to(stored)
    argv = ("--name", "x", "--layer", tmp_path / "result", "--layer", app, "--out", tmp_path / "image")
    done = builder("mk-image", *argv, env={**os.environ, "NIX_STORE": str(store)})
    assert (done.returncode, done.stderr) == (0, "")
    _, manifest, _ = parts(tmp_path / "image")
    linked, copied = (tmp_path / "image/blobs" / each["digest"].replace(":", "/") for each in manifest["layers"])
    assert os.readlink(linked) == str(stored / "layer.tar")
    assert not copied.is_symlink() and copied.read_bytes() == (app / "layer.tar.gz").read_bytes()


def test_empty_layer_is_listed_like_any_other(maker, base):
    empty = maker.layer("empty", {})
    _, manifest, config = parts(maker.build("image", "mk-image", "--name", "x", "--layer", empty))
    assert manifest["layers"][0]["size"] == 1024
    assert len(config["history"]) == 1


def test_directory_of_layers_stands_for_all_of_them_in_order(maker, base, app, tmp_path):
    layers = tmp_path / "layers"
    layers.mkdir()
    shutil.copytree(app, layers / "000")
    shutil.copytree(base, layers / "001")
    _, manifest, _ = parts(maker.build("image", "mk-image", "--name", "x", "--layer", layers))
    assert manifest["layers"] == [layer_json(app)["descriptor"], layer_json(base)["descriptor"]]


def with_recipe(layer, tmp_path):
    """A copy of the layer directory without its blob, and with a recipe."""
    directory = shutil.copytree(layer, tmp_path / "recipe")
    os.unlink(directory / "layer.tar")
    recipe = {"storePaths": [], "perms": [], "uid": 0, "gid": 0, "uname": "", "gname": "", "mtime": 1}
    recipe |= {"compressor": "none", "compressorVersion": None, "format": 2}
    change = {**layer_json(layer), "blob": None, "recipe": recipe}
    (directory / "layer.json").write_text(json.dumps(change))
    return directory


def test_layer_without_blob_keeps_its_recipe(maker, base, tmp_path):
    layer = with_recipe(base, tmp_path)
    image = maker.build("image", "mk-image", "--name", "x", "--layer", layer)
    digest = layer_json(base)["descriptor"]["digest"]
    assert not image_files.blob_path(image, digest).exists()
    assert layer_json(image / "layers" / digest.replace(":", "/")) == layer_json(layer)


# What is refused.


@pytest.mark.parametrize(
    "options, why",
    [
        (["--name", "Hello"], "bad image name: 'Hello': 'Hello' has upper-case letters"),
        (["--name", "hello:1"], "bad image name: 'hello:1': it has a tag"),
        (["--name", "x", "--tag", "-x"], "bad image tag: found '-x', expected letters"),
        (["--name", "x", "--created", "soon"], "bad time: found 'soon', expected RFC 3339"),
        (["--name", "x", "--annotation", "a"], "bad annotation: found 'a', expected KEY=VALUE"),
        (["--name", "x", "--annotation", "=a"], "bad annotation: found '=a', expected KEY=VALUE"),
        (
            ["--name", "x", "--annotation", "a=1", "--annotation", "a=2"],
            "bad annotation: the key 'a' is given twice",
        ),
        (["--name", "x", "--architecture", "x86_64"], "expected a GOARCH such as amd64"),
        (["--name", "x", "--os", "Linux"], "expected a GOOS such as linux"),
        (["--name", "x", "--variant", "V 7"], "invalid variant 'V 7'"),
        (["--name", "x", "--layer", "/nowhere"], "bad layer: expected a directory that mk-layer or mk-layers wrote"),
    ],
)
def test_refuses_a_bad_option(refused, options, why):
    assert why in refused(*_joined(options), status=1 if why.startswith("bad layer") else 2)


def _joined(options):
    """Each option and its value as one word: a value may begin with a dash."""
    return [f"{option}={argument}" for option, argument in zip(options[::2], options[1::2])]


def test_refuses_a_bad_config_by_its_path(refused, tmp_path):
    (tmp_path / "c").write_text('{"Env": ["A=b", 1]}')
    line = refused("--name", "x", "--config", tmp_path / "c")
    assert line == f"bad config: config.Env[1]: found a whole number, expected a string ({tmp_path / 'c'})"


def test_refuses_126_layers_and_takes_125(refused, builder, tmp_path, base):
    most = ["--layer", base] * 125
    builder("mk-image", "--name", "x", *most, "--out", tmp_path / "most", check=True)
    line = refused("--name", "x", *most, "--layer", base)
    assert line.startswith("too many layers: found 126 layers, but engines load at most 125")


def test_refuses_an_output_that_exists(builder, tmp_path, base):
    (tmp_path / "out").mkdir()
    done = builder("mk-image", "--name", "x", "--layer", base, "--out", tmp_path / "out")
    assert (done.returncode, os.listdir(tmp_path / "out")) == (1, [])
    assert "it exists already; remove it first" in done.stderr


def changed_layer(layer, tmp_path, **members):
    """A copy of the layer directory, with MEMBERS in its layer.json."""
    directory = shutil.copytree(layer, tmp_path / "changed")
    (directory / "layer.json").write_text(json.dumps({**layer_json(layer), **members}))
    return directory


@pytest.mark.parametrize(
    "members, why",
    [
        ({"laminix": 2}, "laminix: found version 2"),
        ({"diffID": "x"}, "diffID: found 'x', expected a digest"),
        (
            {"blob": "../layer.tar"},
            "blob: found '../layer.tar', expected a file name without a slash",
        ),
        ({"blob": "gone"}, "found no file here, expected the blob that layer.json names"),
        ({"blob": None}, "found neither a blob nor a recipe"),
        ({"history": []}, "history: found a list, expected an object"),
    ],
)
def test_refuses_a_layer_directory_torn_by_hand(refused, tmp_path, base, members, why):
    layer = changed_layer(base, tmp_path, **members)
    assert why in refused("--name", "x", "--layer", layer)


def test_refuses_a_blob_of_another_size(refused, tmp_path, base):
    layer = changed_layer(base, tmp_path)
    with open(layer / "layer.tar", "ab") as file:
        file.write(b"\0")
    assert re.search(
        r"found a blob of \d+ bytes, expected \d+ as in layer.json", refused("--name", "x", "--layer", layer)
    )


def test_refuses_a_blob_with_another_digest(refused, tmp_path, base):
    layer = changed_layer(base, tmp_path)
    with open(layer / "layer.tar", "r+b") as file:
        file.write(b"X")
    line = refused("--name", "x", "--layer", layer)
    assert line.startswith("bad layer: its digest is sha256:") and line.endswith(f"({layer / 'layer.tar'})")


# Others agree.


def test_skopeo_reads_it(maker, base, app, need):
    need("skopeo")
    image = maker.image("hello", CONFIG, base, app)
    found = Skopeo(str(maker.directory)).config(f"oci:{image}:latest")
    assert found["rootfs"]["diff_ids"] == [layer_json(each)["diffID"] for each in (base, app)]
