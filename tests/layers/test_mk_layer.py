"""mk-layer as a process: what is in the tar, in which order, and what layer.json says of it."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from checkout import ROOT
from file_trees import DIRECTORY, Link, write_directory
from laminix.layers.layer_directory import read_layer
from laminix.layers.rebuilding import open_rebuilt
from layer_files import LayerMaker, content, diff_id, layer_json, members, names, one_line, store_path

SHA_OF_EMPTY = "sha256:" + hashlib.sha256(bytes(1024)).hexdigest()


@pytest.fixture
def maker(builder, tmp_path) -> LayerMaker:
    return LayerMaker(builder, tmp_path / "layers")


@pytest.fixture
def tree(tmp_path):
    """``tree(NAME, MEMBERS)``: a directory on disk."""
    return lambda name, tree_members: Path(write_directory(str(tmp_path / name), tree_members))


@pytest.fixture
def rules(tmp_path):
    """``rules(RULE, …)``: a file for --perms."""

    def write(*given: object) -> Path:
        path = tmp_path / "perms.json"
        path.write_text(json.dumps(given))
        return path

    return write


# What is in it


def test_an_empty_layer_is_two_zero_blocks(maker):
    layer = maker.make("--files", "/dev/stdin", input="{}")
    assert (layer / "layer.tar").read_bytes() == bytes(1024)
    assert layer_json(layer) == {
        "laminix": 1,
        "descriptor": {
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": SHA_OF_EMPTY,
            "size": 1024,
        },
        "diffID": SHA_OF_EMPTY,
        "diffSize": 1024,
        "blob": "layer.tar",
        "recipe": layer_json(layer)["recipe"],
        "storePaths": [],
        "history": {"created_by": "mk-layer", "comment": ""},
    }


def test_goes_depth_first_and_bytewise(maker, tree):
    given = {
        "b": DIRECTORY,
        "b/z": b"",
        "b-": b"",
        "b.d/x": b"",
        "B": b"",
        "a/y/deep": b"",
        "a/x": b"",
        "ä": b"",
        "~": b"",
    }
    layer = maker.make("--copy", tree("t", given))
    # As names, not as whole paths: "b" comes before "b-", though "b/" would not.
    assert names(layer) == [
        "B",
        "a/",
        "a/x",
        "a/y/",
        "a/y/deep",
        "b/",
        "b/z",
        "b-",
        "b.d/",
        "b.d/x",
        "~",
        "ä",
    ]


def test_sorts_every_directory(maker, tree):
    # In directories below the root, of which the disk gives the names in an order of its own.
    given = [f"a/b/{hashlib.sha256(b'%d' % number).hexdigest()}" for number in range(50)]
    layer = maker.make("--copy", tree("t", dict.fromkeys(given, b"")))
    assert names(layer) == ["a/", "a/b/", *sorted(given)]


def test_keeps_names_that_are_not_utf8(maker, tmp_path):
    os.mkdir(tmp_path / "t")
    for name in (b"\xff", b"a\nb", b"a\\b", b" ", b"\x80" * 120):
        (tmp_path / "t" / os.fsdecode(name)).write_bytes(name)
    layer = maker.make("--copy", tmp_path / "t")
    found = [os.fsencode(name) for name in names(layer)]
    assert found == [b" ", b"a\nb", b"a\\b", b"\x80" * 120, b"\xff"]
    assert all(content(layer, os.fsdecode(name)) == name for name in found)


def test_writes_every_parent_once(maker, tree):
    first, second = tree("one", {"f": b""}), tree("two", {"g": b""})
    layer = maker.make("--copy", f"{first}:/srv/www/a", "--copy", f"{second}:/srv/www/b", "--remove", "srv/old")
    assert names(layer) == [
        "srv/",
        "srv/.wh.old",
        "srv/www/",
        "srv/www/a/",
        "srv/www/a/f",
        "srv/www/b/",
        "srv/www/b/g",
    ]
    assert {info.mode for name, info in members(layer).items() if name in ("srv/", "srv/www/")} == {0o755}


def test_types_modes_and_defaults(maker, tree):
    root = tree("t", {"d": DIRECTORY, "f": b"content", "l": Link("/away/f"), "dangling": Link("no")})
    os.link(root / "f", root / "h")
    os.chmod(root / "d", 0o1770)
    os.chmod(root / "f", 0o6755)
    found = members(maker.make("--copy", root))
    assert [(name, info.type, oct(info.mode), info.linkname) for name, info in found.items()] == [
        ("d/", b"5", "0o1770", ""),
        ("dangling", b"2", "0o777", "no"),
        ("f", b"0", "0o755", ""),  # setuid and setgid come from --perms alone
        ("h", b"0", "0o755", ""),  # a hard link is a file like any other
        ("l", b"2", "0o777", "/away/f"),
    ]
    about = {(i.mtime, i.uid, i.gid, i.uname, i.gname, *i.pax_headers) for i in found.values()}
    assert about == {(1, 0, 0, "", "")}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 262143, 262144, 262145, 1 << 20, (3 << 20) + 7])
def test_keeps_contents_of_any_size(maker, tree, size):
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    layer = maker.make("--copy", tree("t", {"a": b"before", "f": data, "g": b"after"}))
    assert [content(layer, name) for name in "afg"] == [b"before", data, b"after"]
    assert (layer / "layer.tar").stat().st_size == layer_json(layer)["diffSize"]


def test_other_readers_take_it_without_complaint(need, maker, tmp_path, tree):
    need("tar", "bsdtar")
    root = tree("t", {"x" * 120: b"1", "d" * 90 + "/" + "e" * 90: b"2", "l": Link("t" * 200), "ä/ö": b"3"})
    (root / os.fsdecode(b"\xff\xfe")).touch()
    blob = maker.make("--copy", root) / "layer.tar"
    for reader in ("tar", "bsdtar"):
        (tmp_path / reader).mkdir()
        done = subprocess.run([reader, "-C", tmp_path / reader, "-xf", blob], capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        assert on_disk(tmp_path / reader) == on_disk(root)


def on_disk(root: Path) -> dict[str, object]:
    """All below ROOT: links by their targets, files by their contents."""
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        found[name] = os.readlink(path) if path.is_symlink() else path.is_dir() or path.read_bytes()
    return found


# --copy


def test_copy_follows_the_directory_itself_if_it_is_a_link(maker, tree, tmp_path):
    tree("t", {"f": b""})
    (tmp_path / "link").symlink_to("t")
    assert names(maker.make("--copy", tmp_path / "link")) == ["f"]
    assert names(maker.make("--copy", f"{tmp_path}/link/:/")) == ["f"]


def test_copy_gives_the_root_no_entry_and_a_destination_its_mode(maker, tree):
    root = tree("t", {"f": b""})
    root.chmod(0o700)
    assert names(maker.make("--copy", root)) == ["f"]
    found = members(maker.make("--copy", f"{root}:/srv//./site/"))
    assert [(name, info.mode) for name, info in found.items()][:2] == [("srv/", 0o755), ("srv/site/", 0o700)]


def test_copy_of_a_directory_with_a_colon_in_its_name(maker, tree):
    root = tree("a:b", {"f": b""})
    assert names(maker.make("--copy", root)) == ["f"]
    assert names(maker.make("--copy", f"{root}:/c")) == ["c/", "c/f"]


# Store paths


def test_store_paths_under_their_own_names_with_nix_modes(maker, tmp_path):
    tool, text = store_path(tmp_path / "nix/store", "tool"), store_path(tmp_path / "nix/store", "notes", "x")
    (tool / "bin/tool").chmod(0o700)
    text.chmod(0o664)
    layer = maker.make("--store-path", text, "--store-path", tool, "--store-path", tool)
    found = members(layer)
    store = str(tmp_path / "nix/store")[1:]
    assert list(found)[-4:] == [
        f"{store}/{p.name}{s}" for p, s in ((tool, "/"), (tool, "/bin/"), (tool, "/bin/tool"), (text, ""))
    ]
    assert [oct(found[name].mode) for name in list(found)[-4:]] == ["0o555", "0o555", "0o555", "0o444"]
    assert layer_json(layer)["storePaths"] == sorted(map(str, (tool, text)))
    assert layer_json(layer)["history"]["comment"] == "notes, tool"


def test_a_store_path_may_be_a_link(maker, tmp_path):
    path = tmp_path / ("0" * 32 + "-link")
    path.symlink_to("/away")
    assert list(members(maker.make("--store-path", path)).values())[-1].linkname == "/away"


@pytest.fixture
def closure(tmp_path):
    """A closure of three: app refers to lib and itself, root to app; and its documents in all forms."""
    store = tmp_path / "nix/store"
    paths = {name: str(store_path(store, name)) for name in ("a-lib", "the-app", "that-root")}
    lib, app, root = paths.values()
    references = {lib: [], app: [app, lib], root: [app]}
    graph = [{"path": p, "narSize": 1, "narHash": "sha256:0", "references": r} for p, r in references.items()]
    by_path = {item["path"]: {key: item[key] for key in ("narSize", "narHash", "references")} for item in graph}
    return paths, {"graph": graph, "by path": by_path, "path-info of old": graph}


@pytest.mark.parametrize("form", ["graph", "by path", "path-info of old"])
def test_closure_in_every_form(maker, closure, tmp_path, form):
    paths, documents = closure
    (tmp_path / "closure.json").write_text(json.dumps(documents[form]))
    layer = maker.make("--closure", tmp_path / "closure.json")
    assert layer_json(layer)["storePaths"] == sorted(paths.values())


def test_omit_root_unless_referred_to(maker, closure, tmp_path):
    paths, documents = closure
    (tmp_path / "closure.json").write_text(json.dumps(documents["graph"]))
    omitted = [
        word for path in (paths["that-root"], paths["the-app"], "/nix/store/none") for word in ("--omit-root", path)
    ]
    layer = maker.make("--closure", tmp_path / "closure.json", *omitted)
    assert layer_json(layer)["storePaths"] == sorted([paths["a-lib"], paths["the-app"]])


@pytest.mark.parametrize("kept", [(), ("--no-blob",)])
def test_exclude_leaves_out_what_another_layer_has(maker, closure, tmp_path, kept):
    paths, documents = closure
    (tmp_path / "closure.json").write_text(json.dumps(documents["graph"]))
    lower = maker.make("--store-path", paths["a-lib"], *kept)
    layer = maker.make("--closure", tmp_path / "closure.json", "--exclude", lower, "--store-path", paths["a-lib"])
    assert layer_json(layer)["storePaths"] == sorted([paths["the-app"], paths["that-root"]])


# Whiteouts


def test_remove_is_a_whiteout_first_in_its_directory(maker, tree):
    layer = maker.make(
        "--copy", tree("t", {"etc/!first": b""}), "--remove", "etc/b", "--remove", "/etc/a/", "--remove", "z"
    )
    assert names(layer) == [".wh.z", "etc/", "etc/.wh.a", "etc/.wh.b", "etc/!first"]
    assert {(i.size, i.type, i.mode) for n, i in members(layer).items() if ".wh." in n} == {(0, b"0", 0o644)}


def test_what_replaces_the_removed_needs_no_whiteout_and_a_directory_is_opaque(maker, tree):
    root = tree("t", {"etc/file": b"", "etc/dir/f": b"", "etc/link": Link("x")})
    removed = [word for name in ("file", "dir", "link", "gone") for word in ("--remove", f"etc/{name}")]
    assert names(maker.make("--copy", root, *removed)) == [
        "etc/",
        "etc/.wh.gone",
        "etc/dir/",
        "etc/dir/.wh..wh..opq",
        "etc/dir/f",
        "etc/file",
        "etc/link",
    ]


def test_removed_below_removed_is_one_whiteout(maker):
    assert names(maker.make("--remove", "a", "--remove", "a/b/c", "--remove", "a")) == [".wh.a"]
    assert names(maker.make("--remove", "a/b/c")) == ["a/", "a/b/", "a/b/.wh.c"]


def test_a_removed_directory_made_anew_by_a_destination_is_opaque(maker, tree):
    root = tree("t", {"f": b""})
    assert names(maker.make("--copy", f"{root}:/a/b", "--remove", "a")) == [
        "a/",
        "a/.wh..wh..opq",
        "a/b/",
        "a/b/f",
    ]


# Sources that merge


def test_directories_merge_and_equal_entries_agree(maker, tree):
    both = {"d/same": b"same" * 1000, "d/link": Link("t")}
    one, two = tree("one", {**both, "d/1": b""}), tree("two", {**both, "d/2": b""})
    assert names(maker.make("--copy", one, "--copy", two)) == ["d/", "d/1", "d/2", "d/link", "d/same"]


@pytest.mark.parametrize(
    "first, second, why",
    [
        (b"one", b"two", "content"),
        (b"one", b"longer", "content"),
        (b"x", DIRECTORY, "type"),
        (b"x", Link("x"), "type"),
        (Link("d"), DIRECTORY, "type"),
        (Link("a"), Link("b"), "target"),
    ],
)
def test_sources_in_conflict_are_both_named(maker, tree, first, second, why):
    one, two = tree("one", {"sub/x": first}), tree("two", {"sub/x": second})
    line = maker.refused("--copy", one, "--copy", two)
    assert line == f"sources in conflict: {one}/sub/x and {two}/sub/x differ in {why} (sub/x)"


def test_a_difference_far_inside_is_seen(maker, tree):
    one, two = tree("one", {"x": bytes(3 << 20) + b"1"}), tree("two", {"x": bytes(3 << 20) + b"2"})
    assert "differ in content (x)" in maker.refused("--copy", one, "--copy", two)


@pytest.mark.parametrize("what", ["sub", "sub/x"])
def test_modes_in_conflict(maker, tree, what):
    one, two = tree("one", {"sub/x": b""}), tree("two", {"sub/x": b""})
    (one / what).chmod(0o700)
    (two / what).chmod(0o750)
    assert f"{one}/{what} and {two}/{what} differ in mode: 0700 and 0750 ({what})" in maker.refused(
        "--copy", one, "--copy", two
    )


def test_nothing_goes_below_what_is_no_directory(maker, tree):
    one, two = tree("one", {"x": Link("d"), "d/f": b""}), tree("two", {"f": b""})
    assert "sources in conflict" in maker.refused("--copy", one, "--copy", f"{two}:/x/y")
    assert "sources in conflict" in maker.refused("--copy", one, "--remove", "d/f/g")


def test_a_directory_wins_over_a_synthesised_parent(maker, tree):
    root = tree("t", {"nix/store/.keep": b""})
    (root / "nix").chmod(0o700)
    found = members(maker.make("--copy", root, "--copy", f"{tree('u', {'f': b''})}:/nix/var"))
    assert found["nix/"].mode == 0o700


# --perms and what owns everything


def test_perms_reach_every_entry_and_the_later_wins(maker, tree, rules):
    root = tree("t", {"bin/su": b"", "bin/ls": b"", "home/me/.profile": b"", "home/link": Link("me")})
    perms = rules(
        {"glob": "**", "uid": 7, "uname": "seven"},
        {"glob": "home/**", "uid": 1000, "gid": 100},
        {"path": "home/me", "mode": "0700", "gname": "users"},
        {"path": "bin/su", "mode": "4755"},
        {"path": "bin/su", "gid": 5},
        {"path": "home/link", "mode": "0600"},
    )
    found = members(maker.make("--copy", root, "--perms", perms, "--gid", 9))
    seen = {n: (oct(i.mode), i.uid, i.gid, i.uname, i.gname) for n, i in found.items()}
    assert seen == {
        "bin/": ("0o755", 7, 9, "seven", ""),
        "bin/ls": (oct(found["bin/ls"].mode), 7, 9, "seven", ""),
        "bin/su": ("0o4755", 7, 5, "seven", ""),
        "home/": ("0o755", 7, 9, "seven", ""),
        "home/link": ("0o777", 1000, 100, "seven", ""),
        "home/me/": ("0o700", 1000, 100, "seven", "users"),
        "home/me/.profile": (oct(found["home/me/.profile"].mode), 1000, 100, "seven", ""),
    }


def test_one_rule_for_paths_everywhere(maker, tree, rules):
    """A path in the image may begin and end with a slash, and need not."""
    root = tree("t", {"f": b"", "g": b""})
    for place in ("srv", "/srv", "srv/", "/srv/"):
        path = f"{place.rstrip('/')}/f"
        perms = rules({"path": path, "uid": 7}, {"glob": f"{place.rstrip('/')}/*", "gid": 8}, {"path": place, "uid": 9})
        found = members(maker.make("--copy", f"{root}:{place}", "--perms", perms, "--remove", f"{place}/gone"))
        owners = {name: (info.uid, info.gid) for name, info in found.items()}
        assert owners == {"srv/": (9, 0), "srv/.wh.gone": (0, 0), "srv/f": (7, 8), "srv/g": (0, 8)}


def test_a_file_is_copied_to_its_own_path(maker, tree):
    root = tree("t", {"server.py": b"serve", "link": Link("server.py")})
    assert names(maker.make("--copy", f"{root}/server.py:/app/main.py")) == ["app/", "app/main.py"]
    assert content(maker.make("--copy", f"{root}/link:app.py"), "app.py") == b"serve"
    assert maker.refused("--copy", f"{root}/link") == (
        f"cannot copy: found a file without a destination, expected {root}/link:/PATH"
    )


def test_without_a_source_it_asks_for_one(builder, tmp_path):
    done = builder("mk-layer", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "nothing to pack: expected --copy, --files, --store-path, --closure or --remove" in done.stderr
    assert os.listdir(tmp_path) == []


def test_perms_reach_synthesised_parents(maker, tmp_path, rules):
    layer = maker.make(
        "--store-path",
        store_path(tmp_path / "nix/store", "a"),
        "--perms",
        rules({"glob": "**/store", "mode": "1775"}),
    )
    modes = {name: info.mode for name, info in members(layer).items() if name.endswith("/store/")}
    assert list(modes.values()) == [0o1775]


def test_perms_leave_whiteouts_alone(maker, rules, tree):
    found = members(
        maker.make("--copy", tree("t", {"f": b""}), "--remove", "x", "--perms", rules({"glob": "**", "uid": 3}))
    )
    assert {name: info.uid for name, info in found.items()} == {".wh.x": 0, "f": 3}


def test_xattrs_and_capabilities(maker, tree, rules):
    given = {"user.text": "ä", "user.hex": "0x00ff", "user.base64": "0sAP8="}
    perms = rules({"path": "f", "xattrs": given}, {"glob": "**", "capabilities": ["cap_chown"]})
    found = members(maker.make("--copy", tree("t", {"f": b"", "d/g": b""}), "--perms", perms))
    xattrs = {n: {k: v.encode("utf-8", "surrogateescape") for k, v in i.pax_headers.items()} for n, i in found.items()}
    capability = bytes.fromhex("0100000201000000000000000000000000000000")
    assert xattrs == {
        "d/": {},
        "d/g": {"SCHILY.xattr.security.capability": capability},
        "f": {
            "SCHILY.xattr.security.capability": capability,
            "SCHILY.xattr.user.base64": b"\0\xff",
            "SCHILY.xattr.user.hex": b"\0\xff",
            "SCHILY.xattr.user.text": "ä".encode(),
        },
    }


@pytest.mark.parametrize(
    "rule, why",
    [
        ({"path": "none", "mode": "0755"}, "[0]: 'none' matches nothing in this layer"),
        ({"glob": "*/f", "mode": "0755"}, "[0]: '*/f' matches nothing in this layer"),
        ({"path": "f"}, "[0]: rule sets nothing"),
        ({"mode": "0755"}, "[0]: expected either 'path' or 'glob'"),
        ({"path": "f", "glob": "f", "mode": "0755"}, "[0]: expected either 'path' or 'glob'"),
        ({"path": "/", "mode": "0755"}, "[0].path: found '/', expected a path below the root, which has no entry"),
        ({"path": "", "mode": "0755"}, "[0].path: found ''"),
        ({"path": "f", "mode": "0888"}, "[0].mode: found '0888', expected an octal mode"),
        ({"path": "f", "mode": 755}, "[0].mode: found a whole number, expected a string"),
        ({"path": "f", "mode": "17777"}, "[0].mode: found '17777'"),
        ({"path": "f", "uid": -1}, "[0].uid: found -1, expected zero or more"),
        ({"path": "f", "uid": 2**32 - 1}, "[0].uid: found 4294967295, expected an ID of at most"),
        ({"path": "f", "uid": "0"}, "[0].uid: found a string, expected a whole number"),
        ({"path": "f", "uid": True}, "[0].uid: found a boolean"),
        (
            {"path": "f", "uname": "a\0b"},
            "[0].uname: found 'a\\x00b', expected a name without line breaks or zero bytes",
        ),
        ({"path": "f", "uname": "\ud800"}, "[0].uname: found half a surrogate pair in '\\ud800'"),
        ({"path": "f", "xattrs": {"nodot": ""}}, "[0].xattrs.nodot: found the name 'nodot'"),
        ({"path": "f", "xattrs": {"user.a": "0xabc"}}, "expected hex digits after '0x'"),
        ({"path": "f", "xattrs": {"user.a": "0s!"}}, "expected base64 after '0s'"),
        ({"path": "f", "xattrs": {"user.a": 1}}, "[0].xattrs.user.a: found a whole number"),
        ({"path": "f", "xattrs": []}, "[0].xattrs: found a list, expected an object"),
        ({"path": "d", "capabilities": ["cap_chown"]}, "[0]: only files can have capabilities, and 'd' is not a file"),
        ({"path": "f", "capabilities": ["cap_fly"]}, "[0].capabilities[0]: unknown capability 'cap_fly'"),
        ({"path": "f", "owner": 1}, "[0]: unknown key 'owner', expected one of"),
        ("f", "[0]: found a string, expected an object"),
    ],
)
def test_perms_that_say_nonsense(maker, tree, rules, rule, why):
    line = maker.refused("--copy", tree("t", {"f": b"", "d": DIRECTORY}), "--perms", rules(rule))
    assert why in line


def test_globs_take_no_time_beyond_measure(maker, tree, rules):
    root = tree("t", {"/".join(["a"] * 60): b""})
    for glob in ("**/" * 40 + "b", "*" * 80 + "b"):
        assert "matches nothing" in maker.refused(
            "--copy", root, "--perms", rules({"glob": glob, "uid": 1}), timeout=20
        )


def test_ids_names_and_owner_options(maker, tree):
    argv = ["--uid", 2**32 - 2, "--gid", 100, "--uname", "n" * 40, "--gname", "g"]
    (info,) = members(maker.make("--copy", tree("t", {"f": b""}), *argv)).values()
    assert (info.uid, info.gid, info.uname, info.gname) == (2**32 - 2, 100, "n" * 40, "g")


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0),
        ("1700000000", 1700000000),
        ("2024-02-29T12:00:00Z", 1709208000),
        ("2024-02-29T12:00:00.9+01:30", 1709202600),
    ],
)
def test_mtime(maker, tree, text, seconds):
    (info,) = members(maker.make("--copy", tree("t", {"f": b""}), "--mtime", text)).values()
    assert info.mtime == seconds


def test_mtime_now_obeys_source_date_epoch(maker, tree):
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1234567890"}
    (info,) = members(maker.make("--copy", tree("t", {"f": b""}), "--mtime", "now", env=environment)).values()
    assert info.mtime == 1234567890


# Compressors and recipes

OPEN = {
    "gzip": ["gzip", "-dc"],
    "pigz -n": ["gzip", "-dc"],
    "zstd": ["zstd", "-dc"],
    "zstd -1 -T1": ["zstd", "-dc"],
}
SUFFIX = {"gzip": "gz", "pigz -n": "gz", "zstd": "zst", "zstd -1 -T1": "zst"}
MEDIA = {
    "gz": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zst": "application/vnd.oci.image.layer.v1.tar+zstd",
}


@pytest.fixture
def large_tree(tree):
    """A tree of a few megabytes that compresses somewhat."""
    data = b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() for i in range(50000))
    return tree("large", {"f": data, "g": data[:1000]})


@pytest.mark.parametrize("compressor", OPEN)
def test_compressors(need, maker, large_tree, compressor):
    need(compressor.split()[0])
    plain = maker.make("--copy", large_tree)
    layer = maker.make("--copy", large_tree, "--compressor", compressor)
    said, suffix = layer_json(layer), SUFFIX[compressor]
    blob = (layer / f"layer.tar.{suffix}").read_bytes()
    assert said["blob"] == f"layer.tar.{suffix}" and said["diffID"] == diff_id(plain)
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    assert said["descriptor"] == {"mediaType": MEDIA[suffix], "digest": digest, "size": len(blob)}
    unpacked = subprocess.run(OPEN[compressor], input=blob, capture_output=True, check=True).stdout
    assert unpacked == (plain / "layer.tar").read_bytes()


def test_gzip_names_no_file_and_no_time(maker, large_tree):
    blob = (maker.make("--copy", large_tree, "--compressor", "gzip") / "layer.tar.gz").read_bytes()
    assert blob[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert len(blob) < 1.01 * len(gzip.compress(gzip.decompress(blob), 6))


def test_gz_is_another_name_of_gzip(maker, large_tree):
    first, second = (maker.make("--copy", large_tree, "--compressor", name) for name in ("gz", "gzip"))
    assert layer_json(first) == layer_json(second)


@pytest.mark.parametrize("compressor", ["gzip", "zstd"])
def test_the_same_bytes_for_any_number_of_threads(need, maker, large_tree, compressor):
    need(*["zstd"] * (compressor == "zstd"))
    argv = ["--copy", large_tree, "--compressor", compressor, "--no-blob"]
    digests = {
        layer_json(maker.make(*argv, env=os.environ | {"NIX_BUILD_CORES": cores}))["descriptor"]["digest"]
        for cores in ("1", "2", "7")
    }
    assert len(digests) == 1


def test_the_same_bytes_for_any_number_of_processes(maker, tree, rules):
    # More names than one process takes at once, one file longer than what a process may be ahead.
    files = {f"{number % 7}/{number:04}": b"x" * number for number in range(3000)}
    source = tree("many", files | {"3/large": bytes(20 << 20)})
    argv = ["--copy", source, "--perms", rules({"path": "0/0000", "uid": 1}, {"path": "6/2834", "uid": 2})]
    layers = [maker.make(*argv, env=os.environ | {"NIX_BUILD_CORES": cores}) for cores in ("1", "2", "7")]
    assert len({(layer / "layer.tar").read_bytes() for layer in layers}) == 1
    with tarfile.open(layers[-1] / "layer.tar") as tar:
        members = {member.name: member for member in tar}
        assert [member.uid for member in members.values() if member.uid] == [1, 2]
        assert all(tar.extractfile(name).read() == data for name, data in files.items())


@pytest.mark.parametrize("compressor", ["none", "gzip", "zstd"])
def test_no_blob_says_the_same_and_its_recipe_makes_the_bytes(need, maker, tmp_path, monkeypatch, rules, compressor):
    need(*["zstd"] * (compressor == "zstd"))
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    path = store_path(tmp_path / "nix/store", "tool")
    (path / "big").write_bytes(bytes(range(256)) * 4096)
    rule = {"glob": "**/tool", "mode": "4755", "capabilities": ["cap_chown"], "uname": "x"}
    argv = [
        "--store-path",
        path,
        "--compressor",
        compressor,
        "--perms",
        rules(rule),
        "--uid",
        3,
        "--mtime",
        77,
    ]
    argv += ["--gname", os.fsdecode(b"\xff")]
    kept, measured = maker.make(*argv), maker.make(*argv, "--no-blob")
    assert os.listdir(measured) == ["layer.json"]
    assert layer_json(measured) == layer_json(kept) | {"blob": None}
    with open_rebuilt(read_layer(str(measured))) as stream:
        assert stream.read() == (kept / layer_json(kept)["blob"]).read_bytes()


def test_a_recipe_only_where_everything_is_a_store_path(maker, tmp_path, tree):
    path = store_path(tmp_path / "nix/store", "tool")
    recipe = layer_json(maker.make("--store-path", path, "--gid", 5))["recipe"]
    assert recipe == {
        "storePaths": [str(path)],
        "perms": [],
        "uid": 0,
        "gid": 5,
        "uname": "",
        "gname": "",
        "mtime": 1,
        "compressor": "none",
        "compressorVersion": None,
        "format": 2,
    }
    for argv in (["--copy", tree("t", {})], ["--remove", "x"]):
        assert layer_json(maker.make("--store-path", path, *argv))["recipe"] is None


def test_copies_out_of_the_store_have_a_recipe_if_no_blob_has_them(maker, tmp_path, monkeypatch, tree):
    monkeypatch.setenv("NIX_STORE", str(tmp_path / "nix/store"))
    path = store_path(tmp_path / "nix/store", "tree")
    (path / "etc").mkdir()
    (path / "etc" / "motd").write_text("hello")
    (tmp_path / "result").symlink_to(path)
    argv = ["--copy", f"{tmp_path}/result", "--copy", f"{path}/etc/motd:/srv/text", "--uid", 3, "--compressor", "gzip"]
    kept, measured = maker.make(*argv), maker.make(*argv, "--no-blob")
    assert layer_json(kept)["recipe"] is None
    recipe = layer_json(measured)["recipe"]
    assert recipe["copies"] == [
        {"source": str(path), "destination": "/"},
        {"source": f"{path}/etc/motd", "destination": "/srv/text"},
    ]
    assert read_layer(str(measured)).recipe.inputs() == [str(path)]
    with open_rebuilt(read_layer(str(measured))) as stream:
        assert stream.read() == (kept / layer_json(kept)["blob"]).read_bytes()
    assert layer_json(maker.make("--copy", path, "--copy", tree("t", {}), "--no-blob"))["recipe"] is None


# As a derivation's builder


def test_as_a_derivations_builder(maker, closure, tmp_path, tree):
    paths, documents = closure
    root, out = tree("t", {"f": b"", "d/g": b""}), tmp_path / "out"
    perms = [{"path": "f", "mode": "0600"}]
    request = {
        "copy": [f"{root}:/srv"],
        "omit-root": [paths["that-root"]],
        "remove": ["x"],
        "perms": [{"path": "srv/f", "mode": "0600"}],
        "uid": 12,
        "uname": "",
        "mtime": 5,
        "compressor": "gzip",
        "no-blob": False,
        "gname": None,
    }
    attributes = {
        "request": request,
        "closure": documents["graph"],
        "outputs": {"out": str(out)},
        "name": "anything",
    }
    (tmp_path / "attrs.json").write_text(json.dumps(attributes))
    environment = {"NIX_ATTRS_JSON_FILE": str(tmp_path / "attrs.json"), "PATH": "/path-not-set"}
    done = maker._builder("mk-layer", env=environment, cwd=tree("empty", {}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    perms = tmp_path / "perms.json"
    perms.write_text(json.dumps(request["perms"]))
    (tmp_path / "closure.json").write_text(json.dumps(documents["graph"]))
    by_hand = maker.make(
        *(
            "--copy",
            f"{root}:/srv",
            "--closure",
            tmp_path / "closure.json",
            "--omit-root",
            paths["that-root"],
        ),
        *("--remove", "x", "--perms", perms, "--uid", 12, "--mtime", 5, "--compressor", "gzip"),
    )
    assert layer_json(out) == layer_json(by_hand)


def test_a_request_may_name_a_file_and_the_place_of_programs(need, maker, tmp_path, tree, rules):
    need("zstd")
    perms, out = rules({"path": "f", "uid": 8}), tmp_path / "out"
    request = {"copy": [str(tree("t", {"f": b""}))], "perms": str(perms), "compressor": "zstd"}
    attributes = {"request": request, "path": ["/none", "/usr/bin", "/bin"], "outputs": {"out": str(out)}}
    (tmp_path / "attrs.json").write_text(json.dumps(attributes))
    environment = {"NIX_ATTRS_JSON_FILE": str(tmp_path / "attrs.json"), "PATH": "/path-not-set"}
    assert maker._builder("mk-layer", env=environment).stderr == ""
    assert layer_json(out)["blob"] == "layer.tar.zst"


def test_arguments_win_over_the_attributes_file(maker):
    environment = os.environ | {"NIX_ATTRS_JSON_FILE": "/none"}
    assert diff_id(maker.make("--files", "/dev/stdin", input="{}", env=environment)) == SHA_OF_EMPTY


def test_help_is_complete_and_has_an_example(builder):
    done = builder("mk-layer", "--help")
    assert done.returncode == 0 and done.stderr == ""
    what = "copy store-path closure omit-root exclude remove perms"
    how = "uid gid uname gname mtime compressor no-blob out"
    for option in f"{what} {how}".split():
        assert f"--{option}" in done.stdout
    assert "example:" in done.stdout


def test_runs_on_the_systems_python(maker, tree):
    root = tree("t", {"f": b"content"})
    other = "/usr/bin/python3"
    if not os.path.exists(other) or os.path.samefile(other, sys.executable):
        pytest.skip("no second Python here")
    script = ROOT / "builders/mk-layer"
    out = maker.directory / "other"
    subprocess.run([other, "-I", "-B", script, "--copy", root, "--out", out], check=True)
    assert diff_id(out) == diff_id(maker.make("--copy", root))
    assert one_line(subprocess.run([other, script, "--copy", "none", "--out", "x"], capture_output=True, text=True))
