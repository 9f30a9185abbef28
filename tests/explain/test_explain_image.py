"""explain-image: where the bytes of an image are, and why, as a process."""

import json
import os

import pytest

from file_trees import DIRECTORY, HardLink, Link, tar, write_tar
from image_forms import Image, docker_oci, gzipped, nixpkgs, oci_layout
from image_maker import ImageMaker
from layer_files import store_path

MIB = 1 << 20
STORE = "/nix/store"


def path_of(name: str, letter: str) -> str:
    """A store path NAME whose hash part is LETTER alone."""
    return f"{STORE}/{letter * 32}-{name}"


GLIBC, SSL, CURL, APP, TOOL = (
    path_of(name, letter)
    for name, letter in (
        ("glibc-2.40", "g"),
        ("openssl-3.5.1", "s"),
        ("curl-8.9", "c"),
        ("app-1.0", "a"),
        ("tool-2", "z"),
    )
)


def members_of(path: str, content: bytes) -> dict:
    """The members of a store path with the file lib/NAME."""
    name = path.lstrip("/")
    return {name: DIRECTORY, f"{name}/lib": DIRECTORY, f"{name}/lib/file": content}


def store_layer(*paths) -> bytes:
    """A tar with these (store path, content)."""
    members = {"nix": DIRECTORY, "nix/store": DIRECTORY}
    for path, content in paths:
        members |= members_of(path, content)
    return tar(members)


LAYERS = (
    store_layer((GLIBC, b"g" * 3000)),
    store_layer((SSL, b"s" * 2000 + GLIBC.encode()), (CURL, b"c" * 500 + f"{SSL}/lib {GLIBC}".encode())),
    store_layer((APP, b"\0" * 100 + f"{CURL}/bin/curl".encode()), (TOOL, f"{GLIBC}".encode())),
    tar({"etc": DIRECTORY, "etc/profile": f"PATH={TOOL}/bin".encode(), "etc/motd": b"x" * 700}),
    tar({"etc": DIRECTORY, "etc/.wh.motd": b"", "etc/new": b"y" * 64}),
)
CONFIG = {"Cmd": [f"{APP}/bin/app"], "Env": [f"CURL={CURL}"]}
IMAGE = Image(LAYERS, CONFIG)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The store directory of this test, as $NIX_STORE names it."""
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    return tmp_path / "nix/store"


@pytest.fixture
def archive(tmp_path):
    """``archive(members)``: the path of an archive with MEMBERS."""
    return lambda members: write_tar(str(tmp_path / "archive.tar"), members)


@pytest.fixture
def explained(builder):
    """``explained(…)``: what explain-image --json prints."""

    def run(*argv, **how):
        done = builder("explain-image", "--json", *argv, **how)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


def by_path(result) -> dict:
    return {item["path"]: item for item in result["storePaths"]}


@pytest.mark.parametrize("form", [docker_oci, oci_layout, nixpkgs, lambda image: oci_layout(image, gzipped)])
def test_references_and_reasons_come_from_contents_in_every_form(explained, archive, form):
    result = explained(archive(form(IMAGE)))
    assert result["references"] == "searched"
    paths = by_path(result)
    assert set(paths) == {GLIBC, SSL, CURL, APP, TOOL}
    assert paths[CURL]["references"] == sorted([GLIBC, SSL])
    assert paths[SSL]["references"] == [GLIBC] and paths[GLIBC]["references"] == []
    assert (paths[SSL]["name"], paths[SSL]["version"], paths[SSL]["layers"]) == ("openssl", "3.5.1", [1])
    assert paths[GLIBC]["size"] == paths[GLIBC]["closureSize"] == 3000
    assert paths[SSL]["closureSize"] == 3000 + 2000 + len(GLIBC)
    assert (paths[APP]["root"], paths[CURL]["root"]) == ("config.Cmd[0]", "config.Env[0]")
    assert (paths[TOOL]["root"], paths[TOOL]["referrer"]) == ("/etc/profile", None)
    assert (paths[SSL]["root"], paths[SSL]["referrer"]) == (None, CURL)


def test_what_would_leave_with_a_path(explained, archive):
    paths = by_path(explained(archive(docker_oci(IMAGE))))
    # openssl is there for curl alone; glibc has two users that do not need each other.
    assert paths[CURL]["freedSize"] == paths[CURL]["size"] + paths[SSL]["size"]
    assert paths[APP]["freedSize"] == paths[APP]["size"]
    assert paths[GLIBC]["freedSize"] == 3000


def test_why(explained, archive):
    image = archive(docker_oci(IMAGE))
    for wanted in ("openssl", "openssl-3.5.1", SSL, f"{SSL}/lib/file", os.path.basename(SSL)):
        (answer,) = explained(image, "--why", wanted)
        assert (answer["root"], answer["chain"]) == ("config.Env[0]", [CURL, SSL])
        assert (answer["referrers"], answer["layers"], answer["leaving"]) == ([CURL], [1], [])
    (answer,) = explained(image, "--why", "curl")
    assert answer["leaving"] == [{"path": SSL, "size": 2000 + len(GLIBC)}]
    assert answer["freedSize"] == answer["size"] + 2000 + len(GLIBC)


def test_why_as_text(builder, archive):
    done = builder("explain-image", archive(docker_oci(IMAGE)), "--why", "openssl")
    assert done.stdout == (
        f"{SSL}: 2.0 KiB in layer 1\n"
        "  config.Env[0]\n"
        f"  └ {CURL}\n"
        f"    └ {SSL}\n"
        "1 store path refers to it; without it the image would be 2.0 KiB smaller\n"
    )


def test_why_of_a_path_that_is_not_there(builder, archive):
    done = builder("explain-image", archive(docker_oci(IMAGE)), "--why", "opensll")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "explain-image: error: unknown store path: the image contains no store path 'opensll'; did you mean openssl?\n"
    )


def test_a_closure_gives_references_and_sizes(explained, archive, tmp_path):
    closure = [
        {"path": GLIBC, "narSize": 30 * MIB, "references": []},
        {"path": SSL, "narSize": 8 * MIB, "references": [GLIBC, SSL]},
        {"path": CURL, "narSize": MIB, "references": [SSL]},
        {"path": APP, "narSize": 7, "references": [SSL]},
        {"path": TOOL, "narSize": 9, "references": []},
    ]
    (tmp_path / "closure.json").write_text(json.dumps(closure))
    result = explained(archive(docker_oci(IMAGE)), "--closure", tmp_path / "closure.json")
    paths = by_path(result)
    assert result["references"] == "closure"
    assert (paths[CURL]["size"], paths[CURL]["closureSize"]) == (MIB, 39 * MIB)
    assert paths[CURL]["references"] == [SSL] and paths[SSL]["references"] == [GLIBC]


def test_a_path_that_the_closure_lacks_is_searched(explained, archive, tmp_path):
    (tmp_path / "closure.json").write_text(json.dumps([{"path": GLIBC, "narSize": 5, "references": []}]))
    result = explained(archive(docker_oci(IMAGE)), "--closure", tmp_path / "closure.json")
    assert result["references"] == "searched"
    assert by_path(result)[SSL]["references"] == [GLIBC] and by_path(result)[GLIBC]["size"] == 5


def test_hidden_files(explained, archive):
    result = explained(archive(docker_oci(IMAGE)))
    assert result["hidden"] == [{"layer": 3, "path": "/etc/motd", "size": 700}]
    assert [layer["hiddenSize"] for layer in result["layers"]] == [0, 0, 0, 700, 0]
    assert result["layers"][3]["outside"] == {"files": 2, "size": 700 + len(f"PATH={TOOL}/bin")}


def test_a_file_seen_by_another_name_is_not_hidden(explained, archive):
    below = tar({"d": DIRECTORY, "d/a": b"a" * 10, "d/b": HardLink("d/a"), "l": Link("d")})
    result = explained(archive(docker_oci(Image((below, tar({"d/.wh.a": b""}))))))
    assert result["hidden"] == []


def test_replaced_through_a_link_to_a_directory(explained, archive):
    below = tar({"usr": DIRECTORY, "usr/bin": DIRECTORY, "usr/bin/x": b"1" * 10, "bin": Link("usr/bin")})
    result = explained(archive(docker_oci(Image((below, tar({"bin/x": b"2" * 5}))))))
    assert result["hidden"] == [{"layer": 0, "path": "/usr/bin/x", "size": 10}]


def test_a_later_copy_of_a_store_path_hides_the_first(explained, archive):
    twice = Image((store_layer((GLIBC, b"g" * 10)), store_layer((GLIBC, b"g" * 10))))
    result = explained(archive(docker_oci(twice)))
    assert by_path(result)[GLIBC]["layers"] == [0, 1]
    assert [(file["layer"], file["size"]) for file in result["hidden"]] == [(0, 10)]


def test_largest_and_files(explained, archive):
    image = archive(docker_oci(IMAGE))
    assert explained(image)["largest"] == []
    largest = explained(image, "--largest", 2)["largest"]
    assert [(file["layer"], file["size"]) for file in largest] == [(0, 3000), (1, 2000 + len(GLIBC))]
    assert explained(image, "--files", 4) == [{"layer": 4, "path": "/etc/new", "size": 64}]
    assert len(explained(image, "--files")) == 8


def test_duplicates(explained, archive):
    same = b"d" * 5000
    layers = (tar({"a": same, "b": b"e" * 5000}), tar({"c": same, "empty": b"", "none": b""}))
    image = archive(docker_oci(Image(layers)))
    assert explained(image)["duplicates"] is None
    assert explained(image, "--duplicates")["duplicates"] == [
        {"size": 5000, "wasted": 5000, "files": [{"layer": 0, "path": "/a"}, {"layer": 1, "path": "/c"}]}
    ]


def test_recipes_are_not_read_if_a_closure_describes_them(builder, explained, store, tmp_path):
    maker = ImageMaker(builder, tmp_path / "made")
    maker.directory.mkdir()
    lib, tool = store_path(store, "lib-1.0"), store_path(store, "program-2.0")
    (tool / "uses").write_text(f"{lib}/bin")
    layers = [maker.build(f"l{path.name}", "mk-layer", "--store-path", path, "--no-blob") for path in (lib, tool)]
    image = maker.image("of-recipes", {"Cmd": [f"{tool}/bin/program-2.0"]}, *layers)
    from_files = by_path(explained(image))
    assert from_files[str(tool)]["references"] == [str(lib)]
    assert from_files[str(lib)]["referrer"] == str(tool)
    closure = [
        {"path": str(lib), "narSize": 1000, "references": []},
        {"path": str(tool), "narSize": 2000, "references": [str(lib)]},
    ]
    (tmp_path / "closure.json").write_text(json.dumps(closure))
    (tool / "uses").unlink()
    os.mkfifo(tool / "uses")  # nobody may open it
    from_closure = by_path(explained(image, "--closure", tmp_path / "closure.json"))
    assert from_closure[str(tool)]["closureSize"] == 3000
    assert from_closure[str(lib)]["root"] is None and from_closure[str(lib)]["referrer"] == str(tool)


def test_circles_of_references(explained, archive):
    one, two = path_of("one", "1"), path_of("two", "2")
    paths = by_path(explained(archive(docker_oci(Image((store_layer((one, two.encode()), (two, one.encode())),))))))
    assert {paths[one]["root"], paths[two]["root"]} == {None, "no store path refers to it"}
    assert paths[one]["closureSize"] == paths[one]["size"] + paths[two]["size"]


def test_the_table_lines_up_and_names_nothing_raw(builder, archive):
    evil = tar({"etc": DIRECTORY, "etc/\x1b[31m|`<b>": b"x" * 50})
    image = archive(docker_oci(Image((*LAYERS, evil, tar({"etc/.wh.\x1b[31m|`<b>": b""})), CONFIG)))
    table = builder("explain-image", image, "--largest", 3).stdout
    assert "\x1b" not in table and "/etc/\\x1b[31m|`<b>" in table
    rows = table.partition("Store paths\n")[2].partition("\n\n")[0].splitlines()
    assert len({len(row.partition("iB")[0]) for row in rows[1:3]}) == 1
    assert rows[1].split()[:2] == ["glibc-2.40", "2.9"]
    markdown = builder("explain-image", image, "--format", "markdown").stdout
    assert "\x1b" not in markdown and "<b>" not in markdown
    assert "| glibc-2.40 | 2.9 KiB | 2.9 KiB | 2.9 KiB | 0 | " in markdown


def test_an_image_without_store_paths(builder, archive):
    done = builder("explain-image", archive(docker_oci(Image((tar({"a": b"1" * 9}),)))))
    assert done.returncode == 0
    assert "Outside the store: 1 files, 9 B\n" in done.stdout and "Store paths" not in done.stdout


def test_a_damaged_layer(builder, archive):
    done = builder("explain-image", archive(docker_oci(Image((LAYERS[0][:1500],)))))
    assert (done.returncode, done.stdout) == (1, "") and "truncated" in done.stderr


@pytest.mark.parametrize(
    "argv", [["--why", "x", "--files"], ["--files", "x"], ["--largest", "-1"], ["--json", "--format", "table"]]
)
def test_usage(builder, archive, argv):
    done = builder("explain-image", archive(docker_oci(IMAGE)), *argv)
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_a_layer_that_is_not_there(builder, archive):
    done = builder("explain-image", archive(docker_oci(IMAGE)), "--files", 9)
    assert (done.returncode, done.stderr) == (
        1,
        "explain-image: error: no such layer: found 9, the image has 5 layers, numbered from 0\n",
    )


def test_a_mention_across_chunks(explained, archive):
    content = b"." * ((256 << 10) - 20) + GLIBC.encode() + b"." * 50
    paths = by_path(explained(archive(docker_oci(Image((LAYERS[0], store_layer((APP, content))))))))
    assert paths[APP]["references"] == [GLIBC]


def test_recipes_are_read_if_another_layer_deletes(builder, explained, store, tmp_path):
    maker = ImageMaker(builder, tmp_path / "made")
    maker.directory.mkdir()
    lib = store_path(store, "lib-1.0")
    below = maker.build("below", "mk-layer", "--store-path", lib, "--no-blob")
    above = maker.build("above", "mk-layer", "--remove", lib / "bin")
    closure = [{"path": str(lib), "narSize": 1000, "references": []}]
    (tmp_path / "closure.json").write_text(json.dumps(closure))
    result = explained(maker.image("cut", {}, below, above), "--closure", tmp_path / "closure.json")
    assert [file["path"] for file in result["hidden"]] == [f"{lib}/bin/lib-1.0"]


def test_copies_of_a_recipe_are_read(builder, explained, store, tmp_path):
    maker = ImageMaker(builder, tmp_path / "made")
    maker.directory.mkdir()
    lib = store_path(store, "lib-1.0")
    copied = [maker.build(name, "mk-layer", "--copy", lib, *how) for name, how in (("kept", ()), ("no", ["--no-blob"]))]
    (tmp_path / "closure.json").write_text(json.dumps([{"path": str(lib), "narSize": 1000, "references": []}]))
    kept, rebuilt = (
        explained(maker.image(name, {}, layer), "--closure", tmp_path / "closure.json", "--largest", "9")
        for name, layer in zip("ab", copied)
    )
    assert rebuilt["largest"] == kept["largest"] != []
    assert rebuilt["layers"] == kept["layers"]


def test_a_recipe_that_names_files_elsewhere(builder, tmp_path, monkeypatch):
    maker = ImageMaker(builder, tmp_path / "made")
    maker.directory.mkdir()
    lib = store_path(tmp_path / "elsewhere", "lib-1.0")
    layer = maker.build("layer", "mk-layer", "--store-path", lib, "--no-blob")
    done = builder("explain-image", maker.image("foreign", {}, layer))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("explain-image: error: bad recipe: recipe.storePaths: found ")
