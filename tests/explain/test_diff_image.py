"""diff-image: what changed between two images and why, as a process."""

import json
from dataclasses import replace

import pytest

from file_trees import DIRECTORY, Link, tar, write_tar
from image_forms import Image, docker_oci, gzipped, nixpkgs, oci_layout
from image_maker import ImageMaker
from layer_files import store_path


def path_of(name: str, letter: str) -> str:
    """A store path NAME whose hash part is LETTER alone."""
    return f"/nix/store/{letter * 32}-{name}"


def store_layer(*paths: tuple[str, bytes]) -> bytes:
    """A tar with these store paths, each with the file lib/file of that content."""
    members = {"nix": DIRECTORY, "nix/store": DIRECTORY}
    for path, content in paths:
        name = path.lstrip("/")
        members |= {name: DIRECTORY, f"{name}/lib": DIRECTORY, f"{name}/lib/file": content}
    return tar(members)


GLIBC, TOOL, NEW = path_of("glibc-2.40", "g"), path_of("tool-2", "z"), path_of("new-1", "n")
SSL, SSL2 = path_of("openssl-3.5.1", "r"), path_of("openssl-3.5.2", "s")
CURL, CURL2 = path_of("curl-8.9", "c"), path_of("curl-8.9", "d")
APP, APP2 = path_of("app-1.0", "a"), path_of("app-1.0", "b")


def image(ssl: str, curl: str, app: str, *more: tuple[str, bytes], **fields) -> Image:
    """An image of an app on curl on openssl on glibc, in four layers."""
    layers = (
        store_layer((GLIBC, b"g" * 3000)),
        store_layer((ssl, b"s" * 90 + GLIBC.encode()), (curl, f"{ssl} {GLIBC}".encode())),
        store_layer((app, curl.encode()), *more),
        tar({"etc": DIRECTORY, "etc/motd": b"hello"}),
    )
    return Image(layers, **{"runtime": {"Cmd": [f"{app}/bin/app"]}, **fields})


OLD = image(SSL, CURL, APP, (TOOL, b"t"))
UPDATED = image(SSL2, CURL2, APP2, (NEW, b"n"), tag="v2")


def in_gzip(image: Image) -> dict:
    """The members of an OCI layout of IMAGE, its layers compressed."""
    return oci_layout(image, gzipped)


@pytest.fixture
def archived(tmp_path):
    """``archived(image, form)``: the path of an archive of IMAGE."""
    count = iter(range(100))
    return lambda image, form=docker_oci: write_tar(str(tmp_path / f"{next(count)}.tar"), form(image))


@pytest.fixture
def difference(builder):
    """``difference(…)``: what diff-image --json prints."""

    def run(*argv, **how):
        done = builder("diff-image", "--json", *argv, **how)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


def test_alike(difference, archived):
    result = difference(archived(OLD), archived(OLD, oci_layout))
    assert result["alike"] and result["download"] == 0
    assert (result["layers"]["added"], result["layers"]["removed"]) == ([], [])
    assert [layer["index"] for layer in result["layers"]["reused"]] == [0, 1, 2, 3]
    assert (result["packages"], result["causes"], result["config"], result["files"]) == ([], [], [], None)


def test_layers_and_download(difference, archived):
    result = difference(archived(OLD), archived(UPDATED))
    assert not result["alike"]
    assert [layer["index"] for layer in result["layers"]["added"]] == [1, 2]
    assert [layer["index"] for layer in result["layers"]["removed"]] == [1, 2]
    assert [layer["diffID"] for layer in result["layers"]["reused"]] == [UPDATED.diff_ids[0], UPDATED.diff_ids[3]]
    assert result["download"] == sum(len(UPDATED.layers[number]) for number in (1, 2))


def test_download_is_as_stored(difference, archived):
    result = difference(archived(OLD, in_gzip), archived(UPDATED, in_gzip))
    assert result["download"] == sum(len(gzipped(UPDATED.layers[number])[1]) for number in (1, 2))


def test_the_same_layers_stored_in_another_way_are_reused(difference, archived):
    result = difference(archived(OLD), archived(OLD, in_gzip))
    assert result["download"] == 0 and result["alike"]


def test_a_layer_compressed_anew_is_downloaded(difference, archived):
    other = lambda layer: ("+gzip", gzipped(layer)[1] + gzipped(b"")[1])
    result = difference(archived(OLD, in_gzip), archived(OLD, lambda image: oci_layout(image, other)))
    assert len(result["layers"]["added"]) == 4 and not result["alike"]


def test_a_layer_that_is_there_twice_is_downloaded_once(difference, archived):
    twice = replace(OLD, layers=(*OLD.layers, *UPDATED.layers[1:2] * 2))
    assert difference(archived(OLD), archived(twice))["download"] == len(UPDATED.layers[1])


def test_packages(difference, archived):
    packages = {item["name"]: item for item in difference(archived(OLD), archived(UPDATED))["packages"]}
    assert {name: item["change"] for name, item in packages.items()} == {
        "app": "rebuilt",
        "curl": "rebuilt",
        "new": "added",
        "openssl": "version",
        "tool": "removed",
    }
    ssl = packages["openssl"]
    assert (ssl["oldVersion"], ssl["newVersion"], ssl["oldPath"], ssl["newPath"]) == ("3.5.1", "3.5.2", SSL, SSL2)
    assert ssl["oldSize"] == ssl["newSize"] == 90 + len(GLIBC)
    assert packages["app"]["causes"] == packages["curl"]["causes"] == ssl["causes"] == [SSL2]
    assert (packages["tool"]["newPath"], packages["tool"]["newSize"], packages["tool"]["causes"]) == (None, None, [])


def test_causes(difference, archived):
    result = difference(archived(OLD), archived(UPDATED))
    ssl, new = result["causes"]
    assert (ssl["cause"], ssl["affected"], ssl["layers"]) == ("openssl 3.5.1 → 3.5.2", [APP2, CURL2, SSL2], [1, 2])
    assert ssl["size"] == result["download"]
    assert (new["cause"], new["affected"], new["layers"]) == ("new 1 added", [NEW], [2])


def test_a_rebuilt_path_without_changed_references_is_its_own_cause(difference, archived):
    packages = difference(archived(OLD), archived(image(SSL, CURL, APP2, (TOOL, b"t"))))["packages"]
    assert [(item["name"], item["change"], item["causes"]) for item in packages] == [("app", "rebuilt", [APP2])]


def test_circles_of_rebuilt_paths(difference, archived):
    one, two, one_new, two_new = (path_of(*name) for name in (("x", "1"), ("y", "2"), ("x", "3"), ("y", "4")))
    circle = lambda a, b: Image((store_layer((a, b.encode()), (b, a.encode())),))
    packages = difference(archived(circle(one, two)), archived(circle(one_new, two_new)))["packages"]
    assert {item["name"]: item["change"] for item in packages} == {"x": "rebuilt", "y": "rebuilt"}
    assert all(item["causes"] for item in packages)


def test_several_versions_of_one_name(difference, archived):
    a, b, c = path_of("lib-1", "1"), path_of("lib-2", "2"), path_of("lib-3", "3")
    again = path_of("lib-2", "4")
    old, new = (Image((store_layer(*((path, b"x") for path in paths)),)) for paths in ((a, b), (again, c)))
    packages = difference(archived(old), archived(new))["packages"]
    assert [(item["oldPath"], item["newPath"], item["change"]) for item in packages] == [
        (b, again, "rebuilt"),
        (a, c, "version"),
    ]


def test_layers_without_changed_packages(difference, archived):
    regrouped = replace(OLD, layers=(store_layer((GLIBC, b"g" * 3000), (TOOL, b"t")), *OLD.layers[1:]))
    assert difference(archived(OLD), archived(regrouped))["unexplained"] == {"outside": [], "regrouped": [0]}
    outside = replace(OLD, layers=(*OLD.layers[:3], tar({"etc/motd": b"bye"})))
    assert difference(archived(OLD), archived(outside))["unexplained"] == {"outside": [3], "regrouped": []}


def test_config(difference, archived):
    old = replace(OLD, runtime={"Cmd": ["a"], "Env": ["A=1", "B=2"], "Labels": {"x": "1"}, "User": ""})
    new = replace(OLD, runtime={"Cmd": ["b"], "Env": ["B=2", "A=3"], "Labels": {"x": "1", "y": "2"}})
    assert difference(archived(old), archived(new))["config"] == [
        {"path": "config.Cmd", "old": ["a"], "new": ["b"]},
        {"path": "config.Env.A", "old": "1", "new": "3"},
        {"path": "config.Labels.y", "old": None, "new": "2"},
    ]


def test_history_counts_where_the_layers_are_the_same(difference, archived):
    new = replace(OLD, history=tuple({"created_by": "else"} for _ in OLD.layers))
    result = difference(archived(OLD), archived(new))
    assert [change["path"] for change in result["config"]] == ["history"] and not result["alike"]


def test_files(difference, archived):
    old = Image(
        (tar({"d": DIRECTORY, "d/a": b"1", "d/b": b"2", "bin/x": b"3", "l": Link("a"), "gone": b"4", "same": b"5"}),)
    )
    new = Image(
        (
            tar(
                {
                    "d": DIRECTORY,
                    "d/a": b"9",
                    "d/b": b"2",
                    "x/bin/x": b"3",
                    "l": Link("b"),
                    "same": b"5",
                    "bin": Link("d"),
                }
            ),
        )
    )
    files = {
        item["path"]: (item["change"], item["what"])
        for item in difference(archived(old), archived(new), "--files")["files"]
    }
    assert files == {
        "/d/a": ("changed", ["content"]),
        "/l": ("changed", ["target"]),
        "/gone": ("removed", []),
        "/bin": ("changed", ["type"]),
        "/bin/x": ("removed", []),
        "/x": ("added", []),
        "/x/bin": ("added", []),
        "/x/bin/x": ("added", []),
    }


def test_files_of_paired_store_paths_are_compared(difference, archived):
    files = difference(archived(OLD), archived(UPDATED), "--files")["files"]
    changes = {item["path"]: item["change"] for item in files}
    assert changes[f"{APP2}/lib/file"] == "changed"  # it mentions another curl
    assert f"{SSL2}/lib/file" not in changes and f"{SSL}/lib/file" not in changes
    assert changes[f"{TOOL}/lib/file"] == "removed" and changes[f"{NEW}/lib/file"] == "added"


def test_files_by_mode_and_owner_of_layers_from_recipes(builder, difference, tmp_path, monkeypatch):
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    maker = ImageMaker(builder, tmp_path / "made")
    maker.directory.mkdir()
    lib = store_path(tmp_path / "nix" / "store", "lib-1.0")
    name = str(lib / "bin" / "lib-1.0").lstrip("/")
    (tmp_path / "perms.json").write_text(json.dumps([{"path": name, "mode": "0700", "uid": 7}]))
    plain = maker.build("plain", "mk-layer", "--store-path", lib, "--no-blob")
    owned = maker.build("owned", "mk-layer", "--store-path", lib, "--no-blob", "--perms", tmp_path / "perms.json")
    files = difference(maker.image("plain", {}, plain), maker.image("owned", {}, owned), "--files")["files"]
    assert [(item["path"], item["what"]) for item in files] == [(f"/{name}", ["mode", "owner"])]


def test_no_contents_reads_no_layer(builder, difference, archived):
    broken = replace(UPDATED, layers=tuple(b"%d no tar" % number * 200 for number in range(4)))
    result = difference(archived(OLD), archived(broken), "--no-contents")
    assert (result["packages"], result["causes"], result["unexplained"]) == (None, None, None)
    assert len(result["layers"]["added"]) == 4
    assert builder("diff-image", archived(OLD), archived(broken)).returncode == 1


def test_exit_code(builder, archived, tmp_path):
    old, new = archived(OLD), archived(UPDATED)
    status = lambda *argv: builder("diff-image", *argv, "--exit-code").returncode
    assert (status(old, old), status(old, new), status(old, tmp_path / "none"), status(old)) == (0, 1, 3, 2)
    assert status(old, new, "--closure", tmp_path / "none.json") == 3
    assert builder("diff-image", old, tmp_path / "none").returncode == 1


def test_the_table(builder, archived):
    printed = builder("diff-image", archived(OLD), archived(UPDATED)).stdout
    assert printed.startswith(
        "parent:v1 → parent:v2\n"
        "A machine with the old image downloads 20.0 KiB of 40.0 KiB\n"
        "2 of 4 layers are new, 2 are reused, 2 are removed\n"
        "\n"
        "Causes\n"
        "CAUSE                  LAYERS  DOWNLOAD  BECAUSE\n"
        "openssl 3.5.1 → 3.5.2       2  20.0 KiB  app-1.0, curl-8.9 refer to it\n"
        "new 1 added                 1  10.0 KiB\n"
        "A layer with several causes counts for each of them\n"
    )


def test_names_are_escaped(builder, archived):
    evil = "\x1b[31m|`<b>"
    new = replace(OLD, layers=(*OLD.layers, tar({evil: b"x"})), runtime={"Labels": {evil: evil}})
    for format_ in ("table", "markdown"):
        printed = builder("diff-image", archived(OLD), archived(new), "--files", "--format", format_).stdout
        assert "\x1b" not in printed and "\\x1b[31m" in printed.replace("\\\\", "\\").replace("\\[", "[")
    assert "<b>" not in printed


def test_a_docker_archive_without_digests(difference, archived):
    assert difference(archived(OLD, nixpkgs), archived(OLD))["download"] == 0
