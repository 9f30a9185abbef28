"""--force: an existing result of a builder is replaced, and nothing else ever is."""

import os

import pytest

from error_line import error_line
from file_trees import write_directory
from image_maker import ImageMaker

WHAT = "cannot replace the output"
REMEDY = "remove it yourself or choose another path"


@pytest.fixture
def maker(builder, tmp_path):
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def made(maker):
    """Results of builders by their kind, each with the command line that makes it, without --out."""
    layer = maker.layer("layer", {"bin/hello": b"hello"})
    image = maker.image("image", {}, layer)
    plan = maker.directory / "plan.json"
    plan.write_text('{"layers": [{"storePaths": []}, {"storePaths": []}]}')
    return {
        "layer": ["mk-layer", "--copy", layer],
        "layers": ["mk-layers", "--plan", plan],
        "joined": ["join-layers", layer, layer],
        "image": ["mk-image", "--name", "x", "--layer", layer],
        "merged": ["merge-parent", "--parent", image, "--image", image],
        "index": ["mk-index", "--name", "x", "--image", image],
        "artifact": ["mk-artifact", "--artifact-type", "text/plain", "--file", f"text/plain={plan}", image],
        "dir": ["pack-image", image, "--format", "dir"],
        "oci": ["pack-image", image, "--format", "oci"],
        "facts": ["pack-image", image, "--format", "facts"],
        "unpacked": ["unpack-image", image],
    }


KINDS = ("layer", "layers", "joined", "image", "merged", "index", "artifact", "dir", "oci", "facts", "unpacked")


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_replaced(builder, maker, made, kind):
    out = maker.directory / "out"
    for force in ([], ["--force"]):
        maker.run(*made[kind], "--out", out, *force)
    before = out.stat().st_ino
    assert "exists already" in error_line(builder(*made[kind], "--out", out), made[kind][0])
    assert out.stat().st_ino == before
    assert not [name for name in os.listdir(maker.directory) if name.startswith(".out")]


def test_another_kind_of_result_and_an_empty_directory_are_replaced(maker, made):
    out = maker.directory / "out"
    out.mkdir()
    for kind in ("image", "layer", "unpacked", "layers", "dir", "oci"):
        maker.run(*made[kind], "--out", f"{out}/", "--force")


@pytest.mark.parametrize(
    ("tree", "strange"),
    [
        ({"notes.txt": b"mine"}, "notes.txt"),
        ({"layer.json": b"{}", "src": {"main.c": b""}}, "src"),
        ({"oci-layout": b"{}", "index.json": b"{}", "mine": b""}, "mine"),
        ({"000": {"layer.json": b"{}", "mine": b""}}, "000"),
        ({"000": {"mine": b""}}, "000"),
    ],
    ids=["work", "layer-and-work", "image-and-work", "layers-and-work", "numbered-work"],
)
def test_nothing_else_is_replaced(builder, maker, made, tree, strange):
    out = maker.directory / "out"
    write_directory(str(out), flat(tree))
    before = sorted(str(path) for path in out.rglob("*"))
    line = error_line(builder(*made["image"], "--out", out, "--force"), "mk-image")
    assert line == f"{WHAT}: it contains '{strange}', which no builder has written; {REMEDY} ({out})"
    assert sorted(str(path) for path in out.rglob("*")) == before


def flat(tree, above=""):
    """TREE, of dictionaries in dictionaries, as one dictionary by path."""
    result = {}
    for name, value in tree.items():
        result |= flat(value, f"{above}{name}/") if isinstance(value, dict) else {above + name: value}
    return result


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_no_file_or_link_is_replaced(builder, maker, made, kind):
    out, image = maker.directory / "out", maker.image("linked", {})
    if kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(image if kind == "link" else "nowhere")
    for given in (out, f"{out}/") if kind == "link" else (out,):
        line = error_line(builder(*made["image"], "--out", given, "--force"), "mk-image")
        assert line == f"{WHAT}: it is not a directory; {REMEDY} ({given})"
    assert out.is_symlink() == (kind != "file") and (image / "index.json").exists()


def test_a_failure_leaves_what_was_there(builder, maker, made):
    out = maker.directory / "out"
    maker.run(*made["image"], "--out", out)
    before = out.stat().st_ino
    damaged = maker.layer("damaged", {"file": b"content"})
    (damaged / "layer.tar").chmod(0o644)
    (damaged / "layer.tar").write_bytes((damaged / "layer.tar").read_bytes().replace(b"content", b"CONTENT"))
    done = builder("mk-image", "--name", "x", "--layer", damaged, "--out", out, "--force")
    assert "its digest is " in error_line(done, "mk-image")
    assert out.stat().st_ino == before and sorted(os.listdir(maker.directory / "out")) == sorted(os.listdir(out))


def test_an_image_replaces_the_one_that_it_was_made_of(maker, made):
    out = maker.directory / "out"
    maker.run(*made["image"], "--out", out)
    maker.run("merge-parent", "--parent", out, "--image", out, "--out", out, "--force")
    assert len(maker.layers(out)) == 2
    maker.run("verify-image", out)
