"""merge-parent: images put on parents of every kind."""

import gzip
import hashlib
import io
import json
import os
import tarfile

import members
import parents
import pytest
from members import DIRECTORY, HardLink, Link
from workshop import Workshop

BASE = parents.Image(
    layers=(
        members.tar({"etc": DIRECTORY, "etc/base": b"base", "gone": b"soon"}),
        members.tar({".wh.gone": b"", "etc/second": b"second"}),
    ),
    runtime={"Env": ["PATH=/bin", "BASE=1"], "Entrypoint": ["/init"], "Cmd": ["base"], "Labels": {"a": "1"}},
    more={"unknown": {"kept": True}},
)
CHILD = {"Env": ["CHILD=1", "BASE=2"], "Entrypoint": ["/hello"], "Labels": {"b": "2"}}
FORMS = {
    "v1": parents.docker_v1,
    "v1.1": parents.docker_v1_1,
    "nixpkgs": parents.nixpkgs,
    "nixpkgs-gzip": lambda image: parents.nixpkgs(image, parents.gzipped),
    "docker-25": parents.docker_oci,
    "oci": parents.oci_layout,
    "oci-gzip": lambda image: parents.oci_layout(image, parents.gzipped),
}


@pytest.fixture
def workshop(builder, tmp_path):
    return Workshop(builder, tmp_path)


@pytest.fixture
def merged(workshop):
    """``merged(parent, child, …)``: the image directory of CHILD on PARENT, an Image or a path."""

    def merge(parent, child, *options):
        if isinstance(parent, parents.Image):
            parent = members.write_tar(workshop.directory / "parent.tar", parents.oci_layout(parent))
        return workshop.build("merged", "merge-parent", "--parent", parent, "--image", child, *options)

    return merge


@pytest.fixture
def refused(builder, tmp_path):
    """``refused(…)``: the one line that merge-parent says, after which nothing is left."""

    def run(*argv):
        before = sorted(os.listdir(tmp_path))
        done = builder("merge-parent", *argv, "--out", tmp_path / "refused")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert sorted(os.listdir(tmp_path)) == before
        return done.stderr.removeprefix("merge-parent: error: ")

    return run


def child_of(workshop, tree, *options, config=CHILD):
    return workshop.image("child", config, workshop.layer("child", tree, *options))


def config_of(image):
    index = json.loads((image / "index.json").read_bytes())
    manifest = json.loads(blob(image, index["manifests"][0]["digest"]))
    return json.loads(blob(image, manifest["config"]["digest"]))


def blob(image, digest):
    return (image / "blobs" / digest.replace(":", "/")).read_bytes()


def layers_of(workshop, image):
    """The layers' tars, base layer first; each is what its diff ID says."""
    result = []
    for layer in workshop.layers(image):
        data = blob(image, layer["digest"])
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        assert parents.digest(data) == layer["diffID"]
        result.append(data)
    return result


def names(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [member.name + "/" * member.isdir() for member in tar]


def member_of(data, name):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getmember(name)


@pytest.mark.parametrize("form", FORMS)
def test_puts_the_parents_layers_below_its_own(workshop, merged, form):
    parent = members.write_tar(workshop.directory / "parent.tar", FORMS[form](BASE))
    child = child_of(workshop, {"hello": b"hello"})
    image = merged(parent, child)
    assert workshop.diff_ids(image) == [*BASE.diff_ids, *workshop.diff_ids(child)]
    assert layers_of(workshop, image)[:2] == list(BASE.layers)


def test_inherits_as_from_does(workshop, merged):
    image = merged(BASE, child_of(workshop, {"hello": b"hello"}))
    config = config_of(image)
    assert config["config"] == {
        "Env": ["PATH=/bin", "BASE=2", "CHILD=1"],
        "Entrypoint": ["/hello"],
        "Labels": {"a": "1", "b": "2"},
    }
    assert config["unknown"] == {"kept": True}
    assert config["created"] == "1970-01-01T00:00:01Z"
    assert [entry["created_by"] for entry in config["history"][:2]] == ["step 0", "step 1"]
    assert len(config["history"]) == 3


@pytest.mark.parametrize(
    ("mode", "environment"), [("env", ["PATH=/bin", "BASE=2", "CHILD=1"]), ("none", ["CHILD=1", "BASE=2"])]
)
def test_inherits_less_when_told(workshop, merged, mode, environment):
    image = merged(BASE, child_of(workshop, {}), "--inherit-config", mode)
    assert config_of(image)["config"] == CHILD | {"Env": environment}


def test_keeps_the_childs_name_and_tags(workshop, merged):
    layer = workshop.layer("l", {"f": b"1"})
    child = workshop.build(
        "named", "mk-image", "--name", "example.org/x", "--tag", "one", "--tag", "two", "--layer", layer,
        "--annotation", "a=b",
    )
    index = json.loads((merged(BASE, child) / "index.json").read_bytes())
    assert [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]] == [
        "example.org/x:one",
        "example.org/x:two",
    ]
    manifest = json.loads(blob(workshop.directory / "merged", index["manifests"][0]["digest"]))
    assert manifest["annotations"] == {"a": "b"}


def test_three_generations(workshop, merged):
    child = child_of(workshop, {"hello": b"hello"})
    parent = merged(BASE, child)
    grandchild = workshop.image("grandchild", {"Env": ["G=1"]}, workshop.layer("g", {"g": b"g"}))
    image = workshop.build("third", "merge-parent", "--parent", parent, "--image", grandchild)
    assert workshop.diff_ids(image) == [*workshop.diff_ids(parent), *workshop.diff_ids(grandchild)]
    assert config_of(image)["config"]["Entrypoint"] == ["/hello"]


def test_a_layer_twice_is_listed_twice_and_kept_once(workshop, merged):
    twice = parents.Image(layers=(BASE.layers[0], BASE.layers[0]))
    image = merged(twice, child_of(workshop, {"hello": b"hello"}))
    assert len(workshop.layers(image)) == 3
    assert len(os.listdir(image / "blobs/sha256")) == 2 + 2


def test_fills_up_history(workshop, merged):
    bare = parents.Image(layers=BASE.layers, history=())
    history = config_of(merged(bare, child_of(workshop, {"hello": b"1"})))["history"]
    assert history[:2] == [{}, {}]
    assert len(history) == 3


@pytest.mark.parametrize("empty", [b"", bytes(512), bytes(1024)], ids=len)
def test_takes_empty_layers(workshop, merged, empty):
    odd = parents.Image(layers=(empty, BASE.layers[0]))
    image = merged(odd, child_of(workshop, {"hello": b"1"}), "--skip-existing")
    assert workshop.diff_ids(image)[:2] == odd.diff_ids


def test_is_the_same_every_time(workshop, merged):
    child = child_of(workshop, {"bin/x": b"1", "etc/base": b"base"})
    parent = members.write_tar(workshop.directory / "again.tar", parents.oci_layout(USR_MERGED))
    options = ("--parent", parent, "--image", child, "--skip-existing")
    one, two = (workshop.build(name, "merge-parent", *options) for name in ("one", "two"))
    assert (one / "index.json").read_bytes() == (two / "index.json").read_bytes()


# Links to directories in the parent.

USR_MERGED = parents.Image(
    layers=(
        members.tar(
            {
                "usr": DIRECTORY,
                "usr/bin": DIRECTORY,
                "usr/bin/sh": b"sh",
                "usr/lib": DIRECTORY,
                "private/tmp": DIRECTORY,
                "bin": Link("usr/bin"),
                "sbin": Link("bin"),
                "lib": Link("/usr/lib"),
                "tmp": Link("private/tmp"),
                "dangling": Link("nowhere"),
                "file": Link("usr/bin/sh"),
            }
        ),
    )
)


@pytest.mark.parametrize("directory", ["bin", "sbin"])
def test_follows_a_link_to_a_directory(workshop, merged, directory):
    image = merged(USR_MERGED, child_of(workshop, {f"{directory}/x": b"x", "opt/y": b"y"}))
    assert names(layers_of(workshop, image)[-1]) == ["opt/", "opt/y", "usr/", "usr/bin/", "usr/bin/x"]


def test_follows_an_absolute_link_and_merges_with_what_is_there(workshop, merged):
    image = merged(USR_MERGED, child_of(workshop, {"lib/a/b": b"1", "usr/lib/c": b"2", "usr/lib/a/d": b"3"}))
    assert names(layers_of(workshop, image)[-1]) == [
        "usr/", "usr/lib/", "usr/lib/a/", "usr/lib/a/b", "usr/lib/a/d", "usr/lib/c",
    ]  # fmt: skip


def test_directories_on_the_way_keep_the_parents_modes(workshop, merged):
    layer = bytearray(USR_MERGED.layers[0])
    info = tarfile.TarInfo("private/tmp")
    info.type, info.mode, info.uid = tarfile.DIRTYPE, 0o1777, 7
    sticky = parents.Image(layers=(bytes(layer), info.tobuf() + bytes(1024)))
    data = layers_of(workshop, merged(sticky, child_of(workshop, {"tmp/x": b"x"})))[-1]
    assert names(data) == ["private/", "private/tmp/", "private/tmp/x"]
    assert (member_of(data, "private/tmp").mode, member_of(data, "private/tmp").uid) == (0o1777, 7)


@pytest.mark.parametrize("name", ["dangling", "file"])
def test_a_link_that_leads_to_no_directory_is_replaced(workshop, merged, name):
    child = child_of(workshop, {f"{name}/x": b"x"})
    assert workshop.diff_ids(merged(USR_MERGED, child))[-1:] == workshop.diff_ids(child)


def test_a_link_that_the_child_removes_is_not_followed(workshop, merged):
    child = child_of(workshop, {"bin/x": b"x"}, "--remove", "/bin")
    assert workshop.diff_ids(merged(USR_MERGED, child))[-1:] == workshop.diff_ids(child)


def test_whiteouts_go_where_links_lead(workshop, merged):
    child = child_of(workshop, {"opt": DIRECTORY}, "--remove", "/bin/sh")
    assert "usr/bin/.wh.sh" in names(layers_of(workshop, merged(USR_MERGED, child))[-1])


def test_rewrites_only_the_layers_that_meet_a_link(workshop, merged):
    layers = [workshop.layer("a", {"opt/a": b"1"}), workshop.layer("b", {"bin/b": b"2"})]
    child = workshop.image("two", {}, *layers)
    before, after = workshop.diff_ids(child), workshop.diff_ids(merged(USR_MERGED, child))
    assert after[1] == before[0]
    assert after[2] != before[1]


def test_a_rewritten_layer_stays_compressed(workshop, merged):
    child = child_of(workshop, {"bin/x": b"x" * 10000}, "--compressor", "gzip")
    image = merged(USR_MERGED, child)
    assert workshop.layers(image)[-1]["mediaType"].endswith("+gzip")
    assert names(layers_of(workshop, image)[-1]) == ["usr/", "usr/bin/", "usr/bin/x"]


def test_two_files_that_meet_are_one_if_they_are_the_same(workshop, merged):
    image = merged(USR_MERGED, child_of(workshop, {"bin/x": b"x", "usr/bin/x": b"x"}))
    assert names(layers_of(workshop, image)[-1]) == ["usr/", "usr/bin/", "usr/bin/x"]


def test_two_files_that_meet_and_differ_are_an_error(workshop, refused):
    parent = members.write_tar(workshop.directory / "p.tar", parents.oci_layout(USR_MERGED))
    child = child_of(workshop, {"bin/x": b"x", "usr/bin/x": b"y"})
    message = refused("--parent", parent, "--image", child)
    assert "'usr/bin/x' and 'bin/x' are the same place in the parent, and they differ" in message


# --skip-existing.


def skipped(workshop, merged, tree, *options, parent=BASE):
    """The names in the child's layer with --skip-existing."""
    image = merged(parent, child_of(workshop, tree, *options), "--skip-existing")
    return names(layers_of(workshop, image)[-1])


def test_leaves_out_what_the_parent_has(workshop, merged):
    tree = {"etc/base": b"base", "etc/second": b"2econd", "etc/new": b"new"}
    assert skipped(workshop, merged, tree) == ["etc/", "etc/new", "etc/second"]


def test_leaves_out_directories_with_nothing_new(workshop, merged):
    assert skipped(workshop, merged, {"etc/base": b"base", "opt": DIRECTORY}) == ["opt/"]


def test_a_layer_of_which_nothing_remains_is_empty(workshop, merged):
    assert skipped(workshop, merged, {"etc/base": b"base"}) == []
    assert layers_of(workshop, workshop.directory / "merged")[-1] == parents.EMPTY_LAYER


@pytest.mark.parametrize("change", [["--uid", "5"], ["--gid", "5"]], ids=" ".join)
def test_keeps_what_has_another_owner(workshop, merged, change):
    assert skipped(workshop, merged, {"etc/base": b"base"}, *change) == ["etc/", "etc/base"]


def test_keeps_what_has_another_mode(workshop, merged, tmp_path):
    perms = tmp_path / "perms.json"
    perms.write_text('[{"path": "etc/base", "mode": "0600"}]')
    assert skipped(workshop, merged, {"etc/base": b"base"}, "--perms", perms) == ["etc/", "etc/base"]


def test_keeps_what_the_parent_has_hidden(workshop, merged):
    assert skipped(workshop, merged, {"gone": b"soon"}) == ["gone"]


def test_keeps_what_the_child_itself_hid_or_changed_before(workshop, merged):
    layers = [
        workshop.layer("a", {"etc/second": b"other"}, "--remove", "/etc/base"),
        workshop.layer("b", {"etc/base": b"base", "etc/second": b"second"}),
    ]
    image = merged(BASE, workshop.image("two", {}, *layers), "--skip-existing")
    assert names(layers_of(workshop, image)[-1]) == ["etc/", "etc/base", "etc/second"]


def test_keeps_what_only_a_lower_layer_of_the_child_has(workshop, merged):
    layers = [workshop.layer(name, {"opt": DIRECTORY, f"{name}": b"1"}) for name in ("a", "b")]
    child = workshop.image("two", {}, *layers)
    assert workshop.diff_ids(merged(BASE, child, "--skip-existing"))[-2:] == workshop.diff_ids(child)


def test_leaves_out_links_that_are_the_same(workshop, merged):
    parent = parents.Image(layers=(members.tar({"a": Link("x"), "b": Link("x")}),))
    assert skipped(workshop, merged, {"a": Link("x"), "b": Link("y")}, parent=parent) == ["b"]


def test_leaves_out_what_the_parent_has_by_a_hard_link(workshop, merged):
    parent = parents.Image(layers=(members.tar({"one": b"same", "two": HardLink("one")}),))
    assert skipped(workshop, merged, {"two": b"same", "x": b"1"}, parent=parent) == ["x"]


def test_leaves_out_what_the_parent_has_behind_a_link(workshop, merged):
    tree = {"bin/sh": b"sh", "bin/x": b"x"}
    parent = parents.Image(layers=(members.tar({"bin": Link("usr/bin"), "usr/bin/sh": b"sh"}),))
    perms = workshop.directory / "p.json"
    perms.write_text('[{"path": "bin/sh", "mode": "0755"}]')
    remaining = skipped(workshop, merged, tree, "--perms", perms, parent=parent)
    assert remaining == ["usr/", "usr/bin/", "usr/bin/x"]


def test_without_skip_existing_nothing_is_left_out(workshop, merged):
    child = child_of(workshop, {"etc/base": b"base"})
    assert workshop.diff_ids(merged(BASE, child))[-1:] == workshop.diff_ids(child)


# Bad input.


def test_refuses_126_layers(workshop, refused):
    many = parents.Image(layers=(parents.EMPTY_LAYER,) * 125)
    parent = members.write_tar(workshop.directory / "p.tar", parents.oci_layout(many))
    assert refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"})).startswith(
        "too many layers: 126 layers, but engines take at most 125"
    )


def test_refuses_a_platform_that_contradicts(workshop, refused):
    other = parents.Image(layers=BASE.layers, architecture="s390x")
    parent = members.write_tar(workshop.directory / "p.tar", parents.oci_layout(other))
    message = refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"}))
    assert message.startswith("platforms contradict each other: the parent is for linux/s390x")


def test_refuses_more_history_than_layers(workshop, refused):
    odd = parents.Image(layers=BASE.layers, history=({}, {}, {}))
    parent = members.write_tar(workshop.directory / "p.tar", parents.oci_layout(odd))
    message = refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"}))
    assert message.startswith("bad history: the parent's has 3 entries with a layer, but there are 2 layers")


@pytest.mark.parametrize("compression", [parents.plain, parents.gzipped])
def test_refuses_a_layer_of_another_digest(workshop, refused, compression):
    layout = parents.oci_layout(BASE, compression)
    name = f"blobs/sha256/{hashlib.sha256(compression(BASE.layers[0])[1]).hexdigest()}"
    layout[name] = compression(BASE.layers[0].replace(b"soon", b"late"))[1].ljust(len(layout[name]), b"\0")
    layout[name] = layout[name][: len(compression(BASE.layers[0])[1])]
    parent = members.write_tar(workshop.directory / "p.tar", layout)
    message = refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"}))
    assert message.startswith("bad layer: its di") or message.startswith("bad gzip data")
    assert name in message


def test_refuses_a_diff_id_that_does_not_match(workshop, refused):
    rootfs = {"type": "layers", "diff_ids": BASE.diff_ids[::-1]}
    other = parents.Image(layers=BASE.layers, more={"rootfs": rootfs})
    parent = members.write_tar(workshop.directory / "p.tar", parents.nixpkgs(other, parents.gzipped))
    message = refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"}))
    assert message.startswith("bad layer: its diff ID is sha256:")


NO_TARS = {
    "garbage": b"no tar at all" * 50,
    "climbing": members.tar({"a/../../b": b"1"}),
    "truncated": BASE.layers[0][:1026],
}


@pytest.mark.parametrize("layer", NO_TARS.values(), ids=NO_TARS)
def test_refuses_a_layer_that_is_no_tar(workshop, refused, layer):
    image = parents.Image(layers=(layer,))
    parent = members.write_tar(workshop.directory / "p.tar", parents.oci_layout(image))
    assert refused("--parent", parent, "--image", child_of(workshop, {"f": b"1"})).startswith("bad layer: ")


def test_refuses_an_output_that_exists(workshop, builder):
    child = child_of(workshop, {"f": b"1"})
    done = builder("merge-parent", "--parent", child, "--image", child, "--out", workshop.directory)
    assert done.returncode == 1
    assert "it exists already" in done.stderr


def test_refuses_a_way_to_inherit_that_there_is_not(builder, tmp_path):
    done = builder("merge-parent", "--parent", "x", "--image", "y", "--out", "z", "--inherit-config", "some")
    assert done.returncode == 2
    assert "invalid choice: 'some'" in done.stderr


# Layers that keep no blob, but a recipe.


@pytest.fixture
def recipe_child(workshop, nix, tmp_path):
    """A child whose one layer is a recipe for a store path."""
    tree = tmp_path / "recipe"
    tree.mkdir()
    (tree / "file").write_text("from the store")
    store_path = nix("nix-store", "--add", tree).stdout.strip()
    layer = workshop.build("recipe.layer", "mk-layer", "--store-path", store_path, "--no-blob")
    return workshop.image("recipe-child", {}, layer)


def test_a_layer_without_a_blob_stays_a_recipe(workshop, merged, recipe_child):
    image = merged(BASE, recipe_child, "--skip-existing")
    [digest] = os.listdir(image / "layers/sha256")
    assert workshop.layers(image)[-1]["digest"] == f"sha256:{digest}"
    assert not (image / "blobs/sha256" / digest).exists()


def test_a_recipe_is_followed_where_the_layer_is_rewritten(workshop, merged, recipe_child):
    image = merged(recipe_child, recipe_child, "--skip-existing")
    below, above = workshop.layers(image)
    assert below["digest"] == workshop.layers(recipe_child)[0]["digest"]
    assert blob(image, above["digest"]) == parents.EMPTY_LAYER


def test_a_recipe_is_followed_where_a_link_is(workshop, merged, recipe_child):
    linked = parents.Image(layers=(members.tar({"nix": Link("data/nix"), "data/nix": DIRECTORY}),))
    names_there = names(layers_of(workshop, merged(linked, recipe_child))[-1])
    assert names_there[:3] == ["data/", "data/nix/", "data/nix/store/"]
    assert names_there[-1].endswith("-recipe/file")
