"""builders/mk-nix-db: what Nix makes of the database that it writes."""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest

A = "/nix/store/" + "a" * 32 + "-glibc-2.40"
B = "/nix/store/" + "b" * 32 + "-hello-2.12.1"
HEX = "31385f82234a80aeeaf481811de6947a750479314cb601da77a0cab7956bf398"
NIX32 = "167kdfavgjm0fzd03djc65wh8xbsjkk1v0c1ykmax02a4f15yf1i"  # the same, as exportReferencesGraph has it
BASE64 = "MThfgiNKgK7q9IGBHeaUenUEeTFMtgHad6DKt5Vr85g="

CLOSURE = [
    {"path": B, "narSize": 7, "narHash": f"sha256:{NIX32}", "references": [A, B]},
    {"path": A, "narSize": 30, "narHash": f"sha256:{NIX32}", "references": [A], "ca": f"fixed:r:sha256:{NIX32}"},
]


@pytest.fixture
def mk_nix_db(builder, tmp_path):
    """``mk_nix_db(CLOSURE, *ARGUMENTS)``: the directory that mk-nix-db makes, or its error."""

    def run(closure, *arguments, out="out"):
        document = tmp_path / "closure.json"
        document.write_text(json.dumps(closure))
        ran = builder("mk-nix-db", "--closure", document, *arguments, "--out", tmp_path / out)
        return ran.stderr or tmp_path / out / "nix/var/nix"

    return run


def rows(state, query):
    with sqlite3.connect(f"file:{state}/db/db.sqlite?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


def test_registers_each_path(mk_nix_db):
    state = mk_nix_db(CLOSURE)
    assert rows(state, "select id, path, hash, registrationTime, narSize, ca from ValidPaths") == [
        (1, A, f"sha256:{HEX}", 1, 30, f"fixed:r:sha256:{NIX32}"),
        (2, B, f"sha256:{HEX}", 1, 7, None),
    ]
    assert rows(state, "select referrer, reference from Refs order by 1, 2") == [(1, 1), (2, 1), (2, 2)]
    assert (state / "db/schema").read_text() == "10"


@pytest.mark.parametrize("digest", [f"sha256:{HEX}", f"sha256:{NIX32}", f"sha256-{BASE64}"])
def test_reads_a_hash_in_any_base(mk_nix_db, digest):
    state = mk_nix_db([{"path": A, "narSize": 1, "narHash": digest, "references": []}])
    assert rows(state, "select hash from ValidPaths") == [(f"sha256:{HEX}",)]


def test_roots_are_what_nothing_else_refers_to(mk_nix_db):
    roots = mk_nix_db(CLOSURE) / "gcroots/docker"
    assert {name: os.readlink(roots / name) for name in os.listdir(roots)} == {os.path.basename(B): B}


def test_omits_a_root_that_the_layer_omits(mk_nix_db):
    unreferred = [{**CLOSURE[0], "references": [A]}, CLOSURE[1]]
    assert rows(mk_nix_db(unreferred, "--omit-root", B), "select path from ValidPaths") == [(A,)]
    assert len(rows(mk_nix_db(CLOSURE, "--omit-root", A, out="2"), "select path from ValidPaths")) == 2


def test_the_same_bytes_in_any_order(mk_nix_db):
    first, second = mk_nix_db(CLOSURE), mk_nix_db(CLOSURE[::-1], out="2")
    assert (first / "db/db.sqlite").read_bytes() == (second / "db/db.sqlite").read_bytes()


@pytest.mark.parametrize(
    "change, complaint",
    [
        (
            {"narHash": "md5:0"},
            "[0].narHash: found 'md5:0', expected a SHA-256 hash in base 16, Nix's base 32 or SRI format",
        ),
        ({"narHash": f"sha256:2{NIX32[1:]}"}, "expected a SHA-256 hash in base 16, Nix's base 32 or SRI format"),
        ({"ca": {}}, "[0].ca: found an object, expected a string"),
    ],
)
def test_refuses(mk_nix_db, tmp_path, change, complaint):
    error = mk_nix_db([{"path": A, "narSize": 1, "narHash": f"sha256:{HEX}", "references": [], **change}])
    assert error.startswith("mk-nix-db: error: ") and complaint in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_says_which_hash_is_missing(mk_nix_db):
    assert "[0]: the key 'narHash' is missing" in mk_nix_db([{"path": A, "narSize": 1, "references": []}])


def test_nix_reads_it_and_writes_to_it(mk_nix_db, need, tmp_path):
    """Against a store of its own: what dump-db prints is what load-db would take."""
    need("nix-store")
    root = tmp_path / "root"
    environment = {**os.environ, "NIX_REMOTE": f"local?root={root}"}
    source = tmp_path / "hello"
    source.write_text("hello\n")
    path = nix("nix-store", "--add", source, environment=environment).strip()
    paths = nix("nix", "path-info", "--json", "-r", path, environment=environment)
    dumped = nix("nix-store", "--dump-db", environment=environment)
    shutil.rmtree(root / "nix/var/nix/db")
    shutil.copytree(mk_nix_db(json.loads(paths)) / "db", root / "nix/var/nix/db")
    assert nix("nix-store", "--dump-db", environment=environment) == dumped
    nix("nix-store", "--verify", "--check-contents", environment=environment)
    (tmp_path / "more").write_text("more\n")
    nix("nix-store", "--add", tmp_path / "more", environment=environment)


def nix(*argv, environment):
    configuration = "experimental-features = nix-command\nbuild-users-group =\nsubstituters ="
    ran = subprocess.run(
        argv, env={**environment, "NIX_CONFIG": configuration}, capture_output=True, text=True, check=True
    )
    return ran.stdout
