"""Recipes that a stranger wrote: they run no command and read no file outside of the store."""

import json
import os
import shutil

import pytest

from layer_files import HASHES, layer_json, store_path


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The store directory of this test, as $NIX_STORE names it."""
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    return tmp_path / "nix/store"


@pytest.fixture
def hostile(builder, store, tmp_path):
    """``hostile(**change)``: an image directory whose one layer is a recipe, with these keys changed."""

    def make(**change):
        path = store_path(store, "tool")
        builder("mk-layer", "--store-path", path, "--no-blob", "--out", tmp_path / "layer", check=True)
        builder("mk-image", "--name", "x", "--layer", tmp_path / "layer", "--out", tmp_path / "image", check=True)
        [document] = (tmp_path / "image/layers/sha256").glob("*/layer.json")
        said = json.loads(document.read_bytes())
        document.write_text(json.dumps(said | {"recipe": said["recipe"] | change}))
        return tmp_path / "image"

    return make


@pytest.fixture
def readers(builder, tmp_path):
    """``readers(image)``: what each builder that reads layers says of the image, by its name."""

    def read(image):
        (tmp_path / "closure").write_text(json.dumps([{"path": "/x", "references": [], "narSize": 1}]))
        builder("mk-image", "--name", "child", "--out", tmp_path / "child", check=True)
        commands = [
            ("verify-image", image),
            ("pack-image", image, "--format", "oci", "--out", tmp_path / "oci"),
            ("pack-image", image, "--format", "docker-archive", "--out", "-"),
            ("merge-parent", "--parent", image, "--image", tmp_path / "child", "--out", tmp_path / "merged"),
            ("plan-layers", "--closure", tmp_path / "closure", "--base", image),
        ]
        return [refusal(builder(*command), command[0]) for command in commands]

    return read


def refusal(done, name):
    """The one line of a builder that refuses, without its beginning."""
    assert done.returncode == 1, name
    [line] = done.stderr.splitlines()
    return line.removeprefix(f"{name}: error: ")


def program(path, mark):
    """A program at PATH that leaves a file at MARK and passes its input on."""
    path.write_text(f"#!/bin/sh\ntouch {mark}\nexec gzip -n\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("place", ["beside", "in the store"])
def test_a_recipe_in_an_image_runs_no_command(hostile, readers, store, tmp_path, place):
    """Also in the store: a derivation may have unpacked a stranger's archive there."""
    mark = tmp_path / "mark"
    image = hostile(compressor=program(tmp_path / "program", mark))
    if place == "in the store":
        image = image.rename(store / f"{HASHES[0] * 32}-image")
    said = readers(image)
    assert not mark.exists()
    assert all("bad recipe: recipe.compressor: found '/" in line for line in said), said
    assert all("expected none, gzip, zstd: a recipe must not name a command" in line for line in said), said


def test_a_recipe_behind_a_link_into_the_store_runs_no_command(hostile, readers, store, tmp_path):
    mark = tmp_path / "mark"
    image = hostile(compressor=program(tmp_path / "program", mark))
    [layer] = (image / "layers/sha256").iterdir()
    stored = shutil.move(layer, store / f"{HASHES[1] * 32}-layer")
    layer.symlink_to(stored)
    assert all("recipe.compressor" in line for line in readers(image))
    assert not mark.exists()


def test_a_compressor_that_a_recipe_names_is_spelt_exactly(hostile, readers):
    assert all("recipe.compressor: found 'gzip -9'" in line for line in readers(hostile(compressor="gzip -9")))


SECRET = f"{HASHES[2] * 32}-secret"


@pytest.mark.parametrize(
    "path",
    [
        "/etc",
        "etc",
        "/",
        "",
        "{store}",
        "{store}/",
        "{store}/..",
        "{store}/../" + SECRET,
        "{store}/./" + SECRET,
        "{store}//" + SECRET,
        "{store}/" + SECRET + "/",
        "{store}/" + SECRET + "/..",
        "{store}/" + SECRET + "/inside",
        "{store}/.links",
        "{store}/not-a-store-path",
        "{store}-other/" + SECRET,
        "{elsewhere}/" + SECRET,
        "/proc/self/root{store}/" + SECRET,
    ],
)
def test_a_recipe_names_no_file_but_store_paths(hostile, readers, store, tmp_path, path):
    for directory in (store, tmp_path / "store-other", tmp_path):
        os.makedirs(directory / SECRET / "inside")
    named = path.format(store=store, elsewhere=tmp_path)
    said = readers(hostile(storePaths=[named]))
    assert all(f"bad recipe: recipe.storePaths: found {named!r}, expected a store path" in line for line in said)


@pytest.mark.parametrize(
    "source",
    [
        "/etc",
        "",
        "{store}",
        "{store}/not-a-store-path/x",
        "{store}/" + SECRET + "/../x",
        "{store}/" + SECRET + "/./inside",
        "{store}/.links/x",
        "{elsewhere}/" + SECRET + "/inside",
        "{store}/" + SECRET + "/link",
        "{store}/" + SECRET + "/link/inside",
    ],
)
def test_a_recipe_copies_nothing_from_outside_the_store(hostile, readers, store, tmp_path, source):
    for directory in (store, tmp_path):
        os.makedirs(directory / SECRET / "inside")
    (store / SECRET / "link").symlink_to(tmp_path / SECRET)
    named = source.format(store=store, elsewhere=tmp_path)
    said = readers(hostile(copies=[{"source": named, "destination": "/"}]))
    assert all(f"bad recipe: recipe.copies: found {named!r}, expected a store path" in line for line in said), said


def test_a_recipe_is_given_only_for_our_own_compressors(builder, store, tmp_path):
    path = store_path(store, "tool")
    argv = ("mk-layer", "--store-path", path, "--no-blob", "--compressor")
    for number, (compressor, given) in enumerate({"none": True, "gzip": True, "gzip -n": False}.items()):
        out = tmp_path / str(number)
        builder(*argv, compressor, "--out", out, check=True)
        assert (layer_json(out)["recipe"] is not None) == given


def test_an_image_takes_no_layer_that_only_a_command_makes_again(builder, store, tmp_path):
    argv = ("--store-path", store_path(store, "tool"), "--no-blob", "--compressor", "gzip -n")
    builder("mk-layer", *argv, "--out", tmp_path / "layer", check=True)
    done = builder("mk-image", "--name", "x", "--layer", tmp_path / "layer", "--out", tmp_path / "image")
    assert refusal(done, "mk-image").startswith(
        "bad layer: found neither a blob nor a recipe; build the layer again without --no-blob"
    )


@pytest.mark.parametrize(
    ("layer_json", "why"),
    [
        ("[" + "{}," * 300_000 + "{}]", "too many objects and lists (limit 250000)"),
        (" " * (16 << 20) + "{}", "layer.json is too large: 16777218 bytes (limit 16777216)"),
    ],
    ids=["millions of {}", "large"],
)
def test_a_layer_json_has_limits(hostile, readers, layer_json, why):
    image = hostile()
    [document] = (image / "layers/sha256").glob("*/layer.json")
    document.write_text(layer_json)
    assert set(readers(image)) == {f"bad layer: {why} ({document})"}
