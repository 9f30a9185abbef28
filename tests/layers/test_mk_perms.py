"""builders/mk-perms: the rules that fakeroot's database amounts to."""

import json
import os
import subprocess
import tarfile

import pytest


@pytest.fixture
def tree(tmp_path):
    directory = tmp_path / "tree"
    (directory / "home/alice").mkdir(parents=True)
    (directory / "home/alice/file").write_text("hers")
    (directory / "su").write_text("#!/bin/sh\n")
    (directory / "su").chmod(0o755)
    (directory / "link").symlink_to("su")
    return directory


@pytest.fixture
def under_fakeroot(tree, tmp_path, need):
    """``under_fakeroot(COMMANDS)``: runs them in the tree under fakeroot; returns its database."""
    need("fakeroot")

    def run(commands):
        database = tmp_path / "database"
        subprocess.run(["fakeroot", "-s", database, "--", "sh", "-ec", commands], cwd=tree, check=True)
        return database

    return run


@pytest.fixture
def mk_perms(builder, tree, tmp_path):
    """``mk_perms(*ARGUMENTS)``: the rules, or the error."""

    def run(*arguments):
        out = tmp_path / "perms.json"
        ran = builder("mk-perms", "--tree", tree, *arguments, "--out", out)
        return json.loads(out.read_text()) if ran.returncode == 0 else ran.stderr

    return run


def test_owners_and_modes(under_fakeroot, mk_perms):
    database = under_fakeroot("chown -R 1000:100 home/alice; chmod 4711 su; chown -h 5:0 link; chmod 700 home")
    assert mk_perms("--fakeroot-database", database) == [
        {"path": "home/alice", "uid": 1000, "gid": 100},
        {"path": "home/alice/file", "uid": 1000, "gid": 100},
        {"path": "link", "uid": 5},
        {"path": "su", "mode": "4711"},
    ]


def test_without_a_database_there_is_nothing_to_say(mk_perms):
    assert mk_perms() == []


def test_others_belong_to_whom_is_said(under_fakeroot, mk_perms):
    database = under_fakeroot("chown 1000:100 home/alice")
    found = {
        rule["path"]: (rule.get("uid"), rule.get("gid"))
        for rule in mk_perms("--fakeroot-database", database, "--uid", 7, "--gid", 8)
    }
    assert found == {"home": (7, 8), "home/alice": (1000, 100), "home/alice/file": (7, 8), "link": (7, 8), "su": (7, 8)}


def test_further_rules_come_last(mk_perms, tmp_path):
    (tmp_path / "more.json").write_text('[{"path": "su", "uid": 3}]')
    assert mk_perms("--uid", 7, "--then", tmp_path / "more.json")[-2:] == [
        {"path": "su", "uid": 7},
        {"path": "su", "uid": 3},
    ]


def test_mk_layer_follows_them(under_fakeroot, mk_perms, builder, tree, tmp_path):
    mk_perms("--fakeroot-database", under_fakeroot("chown -R 1000:1000 home/alice; chmod 6755 su"))
    out = tmp_path / "layer"
    ran = builder("mk-layer", "--copy", tree, "--perms", tmp_path / "perms.json", "--out", out)
    assert ran.returncode == 0, ran.stderr
    with tarfile.open(out / "layer.tar") as tar:
        found = {member.name: (oct(member.mode), member.uid, member.gid) for member in tar}
    assert found == {
        "home": ("0o755", 0, 0),
        "home/alice": ("0o755", 1000, 1000),
        "home/alice/file": ("0o644", 1000, 1000),
        "link": ("0o777", 0, 0),
        "su": ("0o6755", 0, 0),
    }


def test_a_device_cannot_be_packed(under_fakeroot, mk_perms, tree):
    error = mk_perms("--fakeroot-database", under_fakeroot("mknod null c 1 3"))
    assert error == (
        "mk-perms: error: cannot pack: found a character device under fakeroot, "
        f"expected a file, a directory or a symbolic link ({tree}/null)\n"
    )


@pytest.mark.parametrize("content", ["nonsense\n", "dev=1,ino=x,mode=0,uid=0,gid=0,nlink=1,rdev=0\n"])
def test_a_bad_database(mk_perms, tmp_path, content):
    database = tmp_path / "database"
    database.write_text(content)
    error = mk_perms("--fakeroot-database", database)
    assert error.startswith("mk-perms: error: bad fakeroot database: line 1: expected dev=") and error.count("\n") == 1


def test_names_that_are_not_utf8(mk_perms, tree):
    with open(os.fsencode(tree) + b"/\xff", "wb"):
        pass
    assert mk_perms("--uid", 7)[-1] == {"path": "\udcff", "uid": 7}
