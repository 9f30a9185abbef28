"""mk-layer --files: single files, links and directories from a document, with mode and owner."""

import json

import pytest

from file_trees import DIRECTORY, write_directory
from layer_files import LayerMaker, content, layer_json, members


@pytest.fixture
def maker(builder, tmp_path):
    return LayerMaker(builder, tmp_path / "layers")


@pytest.fixture
def listed(maker, tmp_path):
    """``listed(DOCUMENT, *OPTIONS)``: the layer of mk-layer --files."""

    def make(document, *options):
        return maker.make("--files", written(tmp_path, document), *options)

    return make


def written(tmp_path, document, name="files.json"):
    (tmp_path / name).write_text(json.dumps(document))
    return tmp_path / name


def test_each_kind_has_its_defaults(listed, tmp_path):
    (tmp_path / "program").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    layer = listed(
        {
            "/etc/motd": {"text": "good morning ä\n"},
            "bin/program": {"source": str(tmp_path / "program")},
            "bin/sh": {"link": "/bin/program"},
            "tmp/": {"directory": True, "mode": "1777"},
        }
    )
    found = {name: (oct(info.mode), info.linkname) for name, info in members(layer).items()}
    assert found == {
        "bin/": ("0o755", ""),
        "bin/program": ("0o755", ""),
        "bin/sh": ("0o777", "/bin/program"),
        "etc/": ("0o755", ""),
        "etc/motd": ("0o644", ""),
        "tmp/": ("0o1777", ""),
    }
    assert content(layer, "etc/motd") == "good morning ä\n".encode()
    assert content(layer, "bin/program") == b"#!/bin/sh\n"
    assert layer_json(layer)["history"]["comment"] == "/etc/motd, /bin/program, /bin/sh, /tmp"
    assert layer_json(layer)["recipe"] is None


def test_attributes_are_rules_that_perms_override(listed, tmp_path):
    files = {
        "home/alice": {"directory": True, "mode": "0700", "uid": 1000, "gname": "users"},
        "home/alice/letter": {"text": "", "mode": "0600", "uid": 1000, "xattrs": {"user.note": "x"}},
        "home/alice/link": {"link": "letter", "uid": 1000},
    }
    perms = written(tmp_path, [{"path": "home/alice/letter", "uid": 7}], "perms.json")
    found = members(listed(files, "--perms", perms, "--gid", 5))
    assert {name: (oct(i.mode), i.uid, i.gid, i.gname) for name, i in found.items()} == {
        "home/": ("0o755", 0, 5, ""),
        "home/alice/": ("0o700", 1000, 5, "users"),
        "home/alice/letter": ("0o600", 7, 5, ""),
        "home/alice/link": ("0o777", 1000, 5, ""),
    }
    assert found["home/alice/letter"].pax_headers["SCHILY.xattr.user.note"] == "x"


def test_they_join_copied_trees(listed, tmp_path):
    tree = write_directory(str(tmp_path / "tree"), {"etc": DIRECTORY, "etc/hosts": b""})
    assert list(members(listed({"etc/motd": {"text": ""}}, "--copy", tree))) == ["etc/", "etc/hosts", "etc/motd"]


def test_the_bytes_do_not_depend_on_how_the_document_is_written(listed, tmp_path):
    files = {"b": {"text": "2", "uid": 1}, "a": {"link": "b"}}
    turned = {"/a": {"link": "b"}, "/b/": {"uid": 1, "text": "2"}}
    assert layer_json(listed(files))["diffID"] == layer_json(listed(turned))["diffID"]


BAD = [
    ({"a": {}}, "a: found none, expected one of text, source, link, directory"),
    ({"a": {"text": "", "link": "b"}}, "a: found text, link, expected one of text, source, link, directory"),
    ({"a": {"text": 1}}, "a.text: found a whole number, expected a string"),
    ({"a": {"directory": False}}, "a.directory: found false, expected true"),
    ({"a": {"directory": "yes"}}, "a.directory: found a string, expected a boolean"),
    ({"a": {"link": ""}}, "a.link: found an empty target"),
    ({"a": {"link": "b", "mode": "0777"}}, "a.mode: a link has no mode of its own"),
    ({"a": {"text": "", "owner": 1}}, "a: unknown key 'owner'"),
    ({"a": {"text": "", "mode": "0888"}}, "mode: found '0888', expected"),
    ({"a": {"source": "/none"}}, "cannot copy: no such file (/none)"),
    ({"a": {"source": "/"}}, "cannot copy: found a directory, expected a file (/)"),
    ({"../a": {"text": ""}}, "bad path in a layer: found '..', expected a path without it (../a)"),
    ({"/": {"directory": True}}, "bad path in a layer: a file cannot be the root of a layer"),
    ({"etc/.wh.a": {"text": ""}}, "bad path in a layer: names that start with '.wh.' are reserved for whiteouts"),
    ({"a": {"text": ""}, "a/b": {"text": ""}}, "sources in conflict"),
    ([], "found a list, expected an object"),
]


@pytest.mark.parametrize(("document", "why"), BAD, ids=[why for _, why in BAD])
def test_refuses_what_makes_no_sense(maker, tmp_path, document, why):
    assert why in maker.refused("--files", written(tmp_path, document))


def test_rules_of_another_type_are_refused(builder, tmp_path):
    files = written(tmp_path, {"f": {"text": "f", "mode": "0600"}})
    perms = written(tmp_path, {"path": "f"}, "perms.json")
    done = builder("mk-layer", "--files", files, "--perms", perms, "--out", tmp_path / "layer")
    assert (done.returncode, done.stderr) == (
        1,
        f"mk-layer: error: bad JSON file: found an object, expected a list ({perms})\n",
    )
