"""merge-parent: images put on parents of every kind."""

import functools
import gzip
import hashlib
import io
import os
import tarfile

import pytest

import file_trees
import image_files
import image_forms
from file_trees import DIRECTORY, HardLink, Link
from image_maker import ImageMaker

BASE = image_forms.Image(
    layers=(
        file_trees.tar({"etc": DIRECTORY, "etc/base": b"base", "gone": b"soon"}),
        file_trees.tar({".wh.gone": b"", "etc/second": b"second"}),
    ),
    runtime={"Env": ["PATH=/bin", "BASE=1"], "Entrypoint": ["/init"], "Cmd": ["base"], "Labels": {"a": "1"}},
    more={"unknown": {"kept": True}},
)
CHILD = {"Env": ["CHILD=1", "BASE=2"], "Entrypoint": ["/hello"], "Labels": {"b": "2"}}
FORMS = {
    "v1": image_forms.docker_v1,
    "v1.1": image_forms.docker_v1_1,
    "nixpkgs": image_forms.nixpkgs,
    "nixpkgs-gzip": lambda image: image_forms.nixpkgs(image, image_forms.gzipped),
    "docker-25": image_forms.docker_oci,
    "oci": image_forms.oci_layout,
    "oci-gzip": lambda image: image_forms.oci_layout(image, image_forms.gzipped),
}


@pytest.fixture
def maker(builder, tmp_path):
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def merged(maker):
    """``merged(parent, child, …)``: the image directory of CHILD on PARENT, an Image or a path."""

    def merge(parent, child, *options):
        if isinstance(parent, image_forms.Image):
            parent = file_trees.write_tar(maker.directory / "parent.tar", image_forms.oci_layout(parent))
        return maker.build("merged", "merge-parent", "--parent", parent, "--image", child, *options)

    return merge


@pytest.fixture
def refused(maker):
    """``refused(…)``: the error line of merge-parent, which leaves no files behind."""
    return functools.partial(maker.refused, "merge-parent")


def child_of(maker, tree, *options, config=CHILD):
    return maker.image("child", config, maker.layer("child", tree, *options))


def layers_of(maker, image):
    """The layers' tars, base layer first; each is what its diff ID says."""
    result = []
    for layer in maker.layers(image):
        data = image_files.blob(image, layer["digest"])
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        assert image_forms.digest(data) == layer["diffID"]
        result.append(data)
    return result


def names(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [member.name + "/" * member.isdir() for member in tar]


def member_of(data, name):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getmember(name)


@pytest.mark.parametrize("form", FORMS)
def test_puts_the_parents_layers_below_its_own(maker, merged, form):
    parent = file_trees.write_tar(maker.directory / "parent.tar", FORMS[form](BASE))
    child = child_of(maker, {"hello": b"hello"})
    image = merged(parent, child)
    assert maker.diff_ids(image) == [*BASE.diff_ids, *maker.diff_ids(child)]
    assert layers_of(maker, image)[:2] == list(BASE.layers)


def test_inherits_as_from_does(maker, merged):
    image = merged(BASE, child_of(maker, {"hello": b"hello"}))
    config = image_files.config(image)
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
def test_inherits_less_when_told(maker, merged, mode, environment):
    image = merged(BASE, child_of(maker, {}), "--inherit-config", mode)
    assert image_files.config(image)["config"] == CHILD | {"Env": environment}


def test_keeps_the_childs_name_and_tags(maker, merged):
    layer = maker.layer("l", {"f": b"1"})
    child = maker.build(
        "named",
        "mk-image",
        "--name",
        "example.org/x",
        "--tag",
        "one",
        "--tag",
        "two",
        "--layer",
        layer,
        "--annotation",
        "a=b",
    )
    image = merged(BASE, child)
    entries = image_files.index(image)["manifests"]
    assert [entry["annotations"]["io.containerd.image.name"] for entry in entries] == [
        "example.org/x:one",
        "example.org/x:two",
    ]
    assert image_files.manifest(image)["annotations"] == {"a": "b"}


def test_three_generations(maker, merged):
    child = child_of(maker, {"hello": b"hello"})
    parent = merged(BASE, child)
    grandchild = maker.image("grandchild", {"Env": ["G=1"]}, maker.layer("g", {"g": b"g"}))
    image = maker.build("third", "merge-parent", "--parent", parent, "--image", grandchild)
    assert maker.diff_ids(image) == [*maker.diff_ids(parent), *maker.diff_ids(grandchild)]
    assert image_files.config(image)["config"]["Entrypoint"] == ["/hello"]


def test_a_layer_twice_is_listed_twice_and_kept_once(maker, merged):
    twice = image_forms.Image(layers=(BASE.layers[0], BASE.layers[0]))
    image = merged(twice, child_of(maker, {"hello": b"hello"}))
    assert len(maker.layers(image)) == 3
    assert len(os.listdir(image / "blobs/sha256")) == 2 + 2


def test_fills_up_history(maker, merged):
    bare = image_forms.Image(layers=BASE.layers, history=())
    history = image_files.config(merged(bare, child_of(maker, {"hello": b"1"})))["history"]
    assert history[:2] == [{}, {}]
    assert len(history) == 3


@pytest.mark.parametrize("empty", [b"", bytes(512), bytes(1024)], ids=len)
def test_takes_empty_layers(maker, merged, empty):
    odd = image_forms.Image(layers=(empty, BASE.layers[0]))
    image = merged(odd, child_of(maker, {"hello": b"1"}), "--skip-existing")
    assert maker.diff_ids(image)[:2] == odd.diff_ids


def test_is_the_same_every_time(maker, merged):
    child = child_of(maker, {"bin/x": b"1", "etc/base": b"base"})
    parent = file_trees.write_tar(maker.directory / "again.tar", image_forms.oci_layout(USR_MERGED))
    options = ("--parent", parent, "--image", child, "--skip-existing")
    one, two = (maker.build(name, "merge-parent", *options) for name in ("one", "two"))
    assert (one / "index.json").read_bytes() == (two / "index.json").read_bytes()


# Links to directories in the parent.

USR_MERGED = image_forms.Image(
    layers=(
        file_trees.tar(
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
def test_follows_a_link_to_a_directory(maker, merged, directory):
    image = merged(USR_MERGED, child_of(maker, {f"{directory}/x": b"x", "opt/y": b"y"}))
    assert names(layers_of(maker, image)[-1]) == ["opt/", "opt/y", "usr/", "usr/bin/", "usr/bin/x"]


def test_follows_an_absolute_link_and_merges_with_what_is_there(maker, merged):
    image = merged(USR_MERGED, child_of(maker, {"lib/a/b": b"1", "usr/lib/c": b"2", "usr/lib/a/d": b"3"}))
    assert names(layers_of(maker, image)[-1]) == [
        "usr/", "usr/lib/", "usr/lib/a/", "usr/lib/a/b", "usr/lib/a/d", "usr/lib/c",
    ]  # fmt: skip


def test_directories_on_the_way_keep_the_parents_modes(maker, merged):
    layer = bytearray(USR_MERGED.layers[0])
    info = tarfile.TarInfo("private/tmp")
    info.type, info.mode, info.uid = tarfile.DIRTYPE, 0o1777, 7
    sticky = image_forms.Image(layers=(bytes(layer), info.tobuf() + bytes(1024)))
    data = layers_of(maker, merged(sticky, child_of(maker, {"tmp/x": b"x"})))[-1]
    assert names(data) == ["private/", "private/tmp/", "private/tmp/x"]
    assert (member_of(data, "private/tmp").mode, member_of(data, "private/tmp").uid) == (0o1777, 7)


@pytest.mark.parametrize("name", ["dangling", "file"])
def test_a_link_that_leads_to_no_directory_is_replaced(maker, merged, name):
    child = child_of(maker, {f"{name}/x": b"x"})
    assert maker.diff_ids(merged(USR_MERGED, child))[-1:] == maker.diff_ids(child)


def test_a_link_that_the_child_removes_is_not_followed(maker, merged):
    child = child_of(maker, {"bin/x": b"x"}, "--remove", "/bin")
    assert maker.diff_ids(merged(USR_MERGED, child))[-1:] == maker.diff_ids(child)


def test_whiteouts_go_where_links_lead(maker, merged):
    child = child_of(maker, {"opt": DIRECTORY}, "--remove", "/bin/sh")
    assert "usr/bin/.wh.sh" in names(layers_of(maker, merged(USR_MERGED, child))[-1])


def test_rewrites_only_the_layers_that_meet_a_link(maker, merged):
    layers = [maker.layer("a", {"opt/a": b"1"}), maker.layer("b", {"bin/b": b"2"})]
    child = maker.image("two", {}, *layers)
    before, after = maker.diff_ids(child), maker.diff_ids(merged(USR_MERGED, child))
    assert after[1] == before[0]
    assert after[2] != before[1]


def test_a_rewritten_layer_stays_compressed(maker, merged):
    child = child_of(maker, {"bin/x": b"x" * 10000}, "--compressor", "gzip")
    image = merged(USR_MERGED, child)
    assert maker.layers(image)[-1]["mediaType"].endswith("+gzip")
    assert names(layers_of(maker, image)[-1]) == ["usr/", "usr/bin/", "usr/bin/x"]


def test_two_files_that_meet_are_one_if_they_are_the_same(maker, merged):
    image = merged(USR_MERGED, child_of(maker, {"bin/x": b"x", "usr/bin/x": b"x"}))
    assert names(layers_of(maker, image)[-1]) == ["usr/", "usr/bin/", "usr/bin/x"]


def test_two_files_that_meet_and_differ_are_an_error(maker, refused):
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(USR_MERGED))
    child = child_of(maker, {"bin/x": b"x", "usr/bin/x": b"y"})
    message = refused("--parent", parent, "--image", child)
    assert "'usr/bin/x' and 'bin/x' differ, but are the same path in the parent" in message


# Removals.

HAS_MOTD = image_forms.Image(
    layers=(
        file_trees.tar(
            {"etc": DIRECTORY, "etc/motd": b"x", "usr": DIRECTORY, "usr/bin": DIRECTORY, "usr/bin/sh": b"sh"}
        ),
        file_trees.tar(
            {"bin": Link("usr/bin"), "etc/link": Link("motd"), "etc/hard": b"h", "etc/harder": HardLink("etc/hard")}
        ),
    )
)


@pytest.fixture
def removal(maker):
    """``removal(path, …)``: arguments of merge-parent for an image that only removes PATH, on HAS_MOTD."""

    def arguments(*paths, below=()):
        parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(HAS_MOTD))
        layer = maker.build("removing", "mk-layer", *(word for path in paths for word in ("--remove", path)))
        return "--parent", parent, "--image", maker.image("child", {}, *below, layer)

    return arguments


@pytest.mark.parametrize("path", ["etc/motd", "/etc/link", "etc/harder", "etc", "bin", "bin/sh"])
def test_removes_what_the_parent_has(maker, removal, path):
    assert len(maker.layers(maker.build("merged", "merge-parent", *removal(path)))) == 3


@pytest.mark.parametrize("skip", [[], ["--skip-existing"]], ids=["all", "skip-existing"])
def test_removes_what_a_lower_layer_of_the_image_has(maker, removal, skip):
    lower = maker.layer("lower", {"opt/lower": b"1"})
    assert len(maker.layers(maker.build("merged", "merge-parent", *removal("opt/lower", below=[lower]), *skip))) == 4


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/etc/mtod", "did you mean 'etc/motd'?"),
        ("etcc/motd", "did you mean 'etc/motd'?"),
        ("bin/shh", "did you mean 'usr/bin/sh'?"),
        ("etc/motd/x", "--allow-missing accepts that"),
        ("srv", "--allow-missing accepts that"),
    ],
)
def test_refuses_to_remove_what_nothing_below_has(maker, refused, removal, path, remedy):
    line = refused(*removal(path))
    why = f"neither the parent nor a layer below the removal has it: {remedy}"
    assert line.startswith(f"cannot remove '{path.lstrip('/')}': {why} ({maker.directory}/child.image/blobs/sha256/")


def test_names_every_removal_of_nothing(maker, builder, removal):
    ended = builder("merge-parent", *removal("etc/mtod", "usr/bim"), "--out", maker.directory / "out")
    assert ended.returncode == 1
    assert [line.split("'")[1] for line in ended.stderr.splitlines()] == ["etc/mtod", "usr/bim"]


def test_names_ten_removals_of_nothing_and_counts_the_others(maker, builder, removal):
    paths = [f"etc/none-{number:02}" for number in range(13)]
    ended = builder("merge-parent", *removal(*paths), "--out", maker.directory / "out")
    lines = ended.stderr.splitlines()
    assert (ended.returncode, len(lines)) == (1, 11)
    assert lines[-1].startswith("merge-parent: error: cannot remove 3 more paths: neither the parent ")


def test_removes_nothing_if_that_is_allowed(maker, removal):
    image = maker.build("merged", "merge-parent", *removal("srv/none"), "--allow-missing")
    assert names(layers_of(maker, image)[-1]) == ["srv/", "srv/.wh.none"]


def test_a_removal_twice_is_a_removal_of_nothing(refused, removal, maker):
    once = maker.build("once", "mk-layer", "--remove", "etc/motd")
    assert "cannot remove 'etc/motd'" in refused(*removal("etc/motd", below=[once]))


def test_whiteouts_of_other_tools_may_hide_nothing(maker, merged):
    other = image_forms.Image(layers=(file_trees.tar({"srv/.wh.none": b""}),))
    path = file_trees.write_tar(maker.directory / "other.tar", image_forms.oci_layout(other))
    assert names(layers_of(maker, merged(BASE, path))[-1]) == ["srv/.wh.none"]


# --skip-existing.


def skipped(maker, merged, tree, *options, parent=BASE):
    """The names in the child's layer with --skip-existing."""
    image = merged(parent, child_of(maker, tree, *options), "--skip-existing")
    return names(layers_of(maker, image)[-1])


def test_leaves_out_what_the_parent_has(maker, merged):
    tree = {"etc/base": b"base", "etc/second": b"2econd", "etc/new": b"new"}
    assert skipped(maker, merged, tree) == ["etc/", "etc/new", "etc/second"]


def test_leaves_out_directories_with_nothing_new(maker, merged):
    assert skipped(maker, merged, {"etc/base": b"base", "opt": DIRECTORY}) == ["opt/"]


def test_a_layer_of_which_nothing_remains_is_empty(maker, merged):
    assert skipped(maker, merged, {"etc/base": b"base"}) == []
    assert layers_of(maker, maker.directory / "merged")[-1] == image_forms.EMPTY_LAYER


@pytest.mark.parametrize("change", [["--uid", "5"], ["--gid", "5"]], ids=" ".join)
def test_keeps_what_has_another_owner(maker, merged, change):
    assert skipped(maker, merged, {"etc/base": b"base"}, *change) == ["etc/", "etc/base"]


def test_keeps_what_has_another_mode(maker, merged, tmp_path):
    perms = tmp_path / "perms.json"
    perms.write_text('[{"path": "etc/base", "mode": "0600"}]')
    assert skipped(maker, merged, {"etc/base": b"base"}, "--perms", perms) == ["etc/", "etc/base"]


def test_keeps_what_the_parent_has_hidden(maker, merged):
    assert skipped(maker, merged, {"gone": b"soon"}) == ["gone"]


def test_keeps_what_the_child_itself_hid_or_changed_before(maker, merged):
    layers = [
        maker.layer("a", {"etc/second": b"other"}, "--remove", "/etc/base"),
        maker.layer("b", {"etc/base": b"base", "etc/second": b"second"}),
    ]
    image = merged(BASE, maker.image("two", {}, *layers), "--skip-existing")
    assert names(layers_of(maker, image)[-1]) == ["etc/", "etc/base", "etc/second"]


def test_keeps_what_only_a_lower_layer_of_the_child_has(maker, merged):
    layers = [maker.layer(name, {"opt": DIRECTORY, f"{name}": b"1"}) for name in ("a", "b")]
    child = maker.image("two", {}, *layers)
    assert maker.diff_ids(merged(BASE, child, "--skip-existing"))[-2:] == maker.diff_ids(child)


def test_leaves_out_links_that_are_the_same(maker, merged):
    parent = image_forms.Image(layers=(file_trees.tar({"a": Link("x"), "b": Link("x")}),))
    assert skipped(maker, merged, {"a": Link("x"), "b": Link("y")}, parent=parent) == ["b"]


def test_leaves_out_what_the_parent_has_by_a_hard_link(maker, merged):
    parent = image_forms.Image(layers=(file_trees.tar({"one": b"same", "two": HardLink("one")}),))
    assert skipped(maker, merged, {"two": b"same", "x": b"1"}, parent=parent) == ["x"]


def test_leaves_out_what_the_parent_has_behind_a_link(maker, merged):
    tree = {"bin/sh": b"sh", "bin/x": b"x"}
    parent = image_forms.Image(layers=(file_trees.tar({"bin": Link("usr/bin"), "usr/bin/sh": b"sh"}),))
    perms = maker.directory / "p.json"
    perms.write_text('[{"path": "bin/sh", "mode": "0755"}]')
    remaining = skipped(maker, merged, tree, "--perms", perms, parent=parent)
    assert remaining == ["usr/", "usr/bin/", "usr/bin/x"]


def test_without_skip_existing_nothing_is_left_out(maker, merged):
    child = child_of(maker, {"etc/base": b"base"})
    assert maker.diff_ids(merged(BASE, child))[-1:] == maker.diff_ids(child)


# Bad input.


def test_refuses_126_layers(maker, refused):
    many = image_forms.Image(layers=(image_forms.EMPTY_LAYER,) * 125)
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(many))
    assert refused("--parent", parent, "--image", child_of(maker, {"f": b"1"})).startswith(
        "too many layers: found 126 layers, but engines load at most 125"
    )


def test_refuses_a_platform_that_contradicts(maker, refused):
    other = image_forms.Image(layers=BASE.layers, architecture="s390x")
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(other))
    message = refused("--parent", parent, "--image", child_of(maker, {"f": b"1"}))
    assert message.startswith("platforms disagree: the parent is for linux/s390x")


def test_refuses_more_history_than_layers(maker, refused):
    odd = image_forms.Image(layers=BASE.layers, history=({}, {}, {}))
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(odd))
    message = refused("--parent", parent, "--image", child_of(maker, {"f": b"1"}))
    assert message.startswith("bad history: the parent has 3 history entries for layers, but only 2 layers")


@pytest.mark.parametrize("compression", [image_forms.plain, image_forms.gzipped])
def test_refuses_a_layer_of_another_digest(maker, refused, compression):
    layout = image_forms.oci_layout(BASE, compression)
    name = f"blobs/sha256/{hashlib.sha256(compression(BASE.layers[0])[1]).hexdigest()}"
    layout[name] = compression(BASE.layers[0].replace(b"soon", b"late"))[1].ljust(len(layout[name]), b"\0")
    layout[name] = layout[name][: len(compression(BASE.layers[0])[1])]
    parent = file_trees.write_tar(maker.directory / "p.tar", layout)
    message = refused("--parent", parent, "--image", child_of(maker, {"f": b"1"}))
    assert message.startswith("bad layer: its di") or message.startswith("bad gzip data")
    assert name in message


def test_refuses_a_diff_id_that_does_not_match(maker, refused):
    rootfs = {"type": "layers", "diff_ids": BASE.diff_ids[::-1]}
    other = image_forms.Image(layers=BASE.layers, more={"rootfs": rootfs})
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.nixpkgs(other, image_forms.gzipped))
    message = refused("--parent", parent, "--image", child_of(maker, {"f": b"1"}))
    assert message.startswith("bad layer: its diff ID is sha256:")


NO_TARS = {
    "garbage": b"no tar at all" * 50,
    "climbing": file_trees.tar({"a/../../b": b"1"}),
    "truncated": BASE.layers[0][:1026],
}


@pytest.mark.parametrize("layer", NO_TARS.values(), ids=NO_TARS)
def test_refuses_a_layer_that_is_no_tar(maker, refused, layer):
    image = image_forms.Image(layers=(layer,))
    parent = file_trees.write_tar(maker.directory / "p.tar", image_forms.oci_layout(image))
    assert refused("--parent", parent, "--image", child_of(maker, {"f": b"1"})).startswith("bad layer: ")


def test_refuses_an_output_that_exists(maker, builder):
    child = child_of(maker, {"f": b"1"})
    done = builder("merge-parent", "--parent", child, "--image", child, "--out", maker.directory)
    assert done.returncode == 1
    assert "it exists already" in done.stderr


def test_refuses_a_way_to_inherit_that_there_is_not(builder, tmp_path):
    done = builder("merge-parent", "--parent", "x", "--image", "y", "--out", "z", "--inherit-config", "some")
    assert done.returncode == 2
    assert "invalid choice: 'some'" in done.stderr


# Layers that keep no blob, but a recipe.


@pytest.fixture
def recipe_child(maker, nix, tmp_path):
    """A child whose one layer is a recipe for a store path."""
    tree = tmp_path / "recipe"
    tree.mkdir()
    (tree / "file").write_text("from the store")
    store_path = nix("nix-store", "--add", tree).stdout.strip()
    layer = maker.build("recipe.layer", "mk-layer", "--store-path", store_path, "--no-blob")
    return maker.image("recipe-child", {}, layer)


def test_a_layer_without_a_blob_stays_a_recipe(maker, merged, recipe_child):
    image = merged(BASE, recipe_child, "--skip-existing")
    [digest] = os.listdir(image / "layers/sha256")
    assert maker.layers(image)[-1]["digest"] == f"sha256:{digest}"
    assert not (image / "blobs/sha256" / digest).exists()


def test_a_recipe_is_followed_where_the_layer_is_rewritten(maker, merged, recipe_child):
    image = merged(recipe_child, recipe_child, "--skip-existing")
    below, above = maker.layers(image)
    assert below["digest"] == maker.layers(recipe_child)[0]["digest"]
    assert image_files.blob(image, above["digest"]) == image_forms.EMPTY_LAYER


def test_a_recipe_is_followed_where_a_link_is(maker, merged, recipe_child):
    linked = image_forms.Image(layers=(file_trees.tar({"nix": Link("data/nix"), "data/nix": DIRECTORY}),))
    names_there = names(layers_of(maker, merged(linked, recipe_child))[-1])
    assert names_there[:3] == ["data/", "data/nix/", "data/nix/store/"]
    assert names_there[-1].endswith("-recipe/file")
