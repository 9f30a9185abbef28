"""Requests to the builders as Nix makes them, with their documents: plans, rules, configs, layer.json, images.

Each is right, and then damaged: the same request for the same seed and world.
"""

import copy
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from mutated_images import damaged, repeat_key, rewritten

from checkout import ROOT
from file_trees import Link, write_directory

HASHES = ("1" * 32, "2" * 32)
CANARY = "canary"  # a file that a command of a hostile document would make


@dataclass(frozen=True)
class World:
    """The files that right requests name: made once, and never changed."""

    directory: str

    def __getitem__(self, name: str) -> str:
        return os.path.join(self.directory, name)

    @property
    def store(self) -> str:
        """The directory of the Nix store that has the store paths of the requests."""
        return self["store"]

    @property
    def store_paths(self) -> list[str]:
        """A library, and a program that refers to it."""
        return [f"{self.store}/{hash_}-{name}" for hash_, name in zip(HASHES, ("lib-1.2", "app-0.1"))]

    @property
    def closure(self) -> list[dict[str, Any]]:
        """The closure of the program, as exportReferencesGraph gives it."""
        lib, app = self.store_paths
        hash_ = "sha256-MThfgiNKgK7q9IGBHeaUenUEeTFMtgHad6DKt5Vr85g="
        return [
            {"path": lib, "narHash": hash_, "narSize": 200, "closureSize": 200, "references": [], "valid": True},
            {"path": app, "narHash": hash_, "narSize": 300, "closureSize": 500, "references": [lib, app]},
        ]


def make_world(directory: str) -> World:
    """Make the files of the world in the new DIRECTORY, with the builders."""
    world = World(directory)
    lib, app = world.store_paths
    os.makedirs(world.store)
    write_directory(lib, {"lib/lib.so": b"library", "share/link": Link("../lib/lib.so")})
    write_directory(app, {"bin/app": f"#!{lib}/lib/lib.so\n".encode(), "name": b"app"})
    write_directory(world["tree"], {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "tmp/f": b"f", "sh": Link("bin/sh")})
    write_directory(world["other"], {"etc/group": b"root:x:0:\n"})
    with open(world["fakeroot"], "w", encoding="ascii") as file:
        file.write("dev=1,ino=1,mode=100644,uid=1,gid=1,nlink=1,rdev=0\n")
    with open(world["weights"], "w", encoding="ascii") as file:
        json.dump({app: 2}, file)
    _run(world, "mk-layer", "--store-path", lib, "--no-blob", "--out", world["recipe"])
    _run(world, "mk-layer", "--store-path", app, "--compressor", "gzip", "--out", world["gzip"])
    _run(world, "mk-layer", "--copy", world["tree"], "--out", world["layer"])
    layers = [word for name in ("recipe", "gzip", "layer") for word in ("--layer", world[name])]
    _run(world, "mk-image", "--name", "world", *layers, "--out", world["image"])
    _run(world, "mk-image", "--name", "base", "--layer", world["layer"], "--out", world["base"])
    return world


def _run(world: World, builder: str, *arguments: str) -> None:
    argv = [sys.executable, "-I", "-B", ROOT / "builders" / builder, *arguments]
    subprocess.run(argv, env={**os.environ, "NIX_STORE": world.store}, check=True)


def requests(world: World) -> dict[str, list[dict[str, Any]]]:
    """Right requests, by builder."""
    lib, app = world.store_paths
    tree, image, closure = world["tree"], world["image"], world.closure
    plan = {"layers": [{"storePaths": [lib]}, {"storePaths": [app]}]}
    files = {"etc/f": {"text": "f", "mode": "0600"}, "a/l": {"link": "f"}, "d": {"directory": True, "uid": 5}}
    files |= {"copy": {"source": f"{tree}/tmp/f", "capabilities": "cap_net_raw=ep"}}
    rules = [{"path": "tmp", "mode": "1777"}, {"glob": "etc/**", "uid": 5, "gname": "g", "xattrs": {"user.x": "0x00"}}]
    config = {"Cmd": ["/bin/app"], "Env": ["A=1"], "ExposedPorts": {"80/tcp": {}}, "User": "root", "StopSignal": "9"}
    config |= {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 10**9}, "Labels": {"a": "b"}, "WorkingDir": "/"}
    licence = {"spdxId": "MIT", "name": "MIT License"}
    meta = {lib: {"name": "lib", "version": "1", "licenses": [licence], "homepage": "https://x", "cpe": None}}
    pipeline = [["subcomponent_out", [app]], ["over", "main", ["popularity_contest"]], ["limit_layers", 2], ["flatten"]]
    plan_layers = {
        "closure": closure,
        "max-layers": 2,
        "weights": world["weights"],
        "pin": ["*lib*"],
        "omit-root": [app],
    }
    layers = {"layer": [world["recipe"], world["layer"], world["gzip"]]}
    return {
        "mk-layer": [
            {"copy": [f"{tree}:srv"], "files": files, "perms": [{"path": "etc/f", "uid": 1}], "remove": ["old"]},
            {
                "copy": [tree],
                "perms": rules,
                "uid": 5,
                "uname": "x",
                "compressor": "gzip",
                "mtime": "2015-01-01T00:00:00Z",
            },
            {"closure": closure, "scan": [f"{app}/bin"], "exclude": [world["recipe"]], "no-blob": True},
        ],
        "mk-layers": [{"plan": plan, "no-blob": True, "compressor": "gzip"}],
        "plan-layers": [plan_layers, {"closure": closure, "base": [image], "count-base": True, "previous": plan}],
        "arrange-plan": [{"plan": plan, "closure": closure, "pipeline": pipeline}],
        "explain-plan": [{"PLAN": plan, "closure": closure, "weights": "roots", "format": "svg"}],
        "mk-config": [{"config": config}, {"config": config, "lenient-config": True}],
        "mk-image": [
            {
                "name": "x/y",
                "tag": ["1"],
                "config": config,
                "annotation": ["a=b"],
                "created": "2015-01-01T00:00:00Z",
                **layers,
            },
        ],
        "mk-sbom": [
            {"IMAGE": image, "closure": closure, "meta": meta},
            {"closure": closure, "meta": meta, "format": "spdx", "name": "x"},
        ],
        "mk-perms": [{"tree": tree, "fakeroot-database": world["fakeroot"], "then": rules, "uid": 3}],
        "mk-nix-db": [{"closure": closure, "omit-root": [app]}],
        "mk-tree": [{"link": [tree], "copy": [world["other"]]}],
        "mk-index": [{"name": "x", "image": [image], "annotation": ["a=b"]}],
        "mk-artifact": [{"IMAGE": image, "artifact-type": "a/b", "file": [f"text/plain={tree}/tmp/f"]}],
        "mk-streamer": [{"IMAGE": image}],
        "merge-parent": [{"parent": image, "image": world["base"], "skip-existing": True}],
        "pack-image": [{"IMAGE": image, "format": "oci-archive", "tag": ["x:1"]}],
        "export-image": [{"IMAGE": image, "format": "tar"}],
        "unpack-image": [{"IMAGE": image}],
        "list-layers": [{"IMAGE": image, "json": True}],
        "verify-image": [{"IMAGE": image, "strict": True}],
        "explain-image": [
            {"IMAGE": image, "closure": closure, "format": "svg"},
            {"IMAGE": image, "closure": closure, "why": "lib"},
            {"IMAGE": image, "files": "all", "duplicates": True},
        ],
        "diff-image": [{"OLD": world["base"], "NEW": image, "closure": closure, "files": True}],
        "mk-bundle": [{"IMAGE": image, "COMMAND": ["/bin/sh"], "env": ["A=1"], "user": "root", "closure": closure}],
    }


def request(rng: random.Random, world: World, directory: str) -> tuple[str, bytes]:
    """Return a builder's name, and the damaged content of its $NIX_ATTRS_JSON_FILE. Its output is DIRECTORY/out.

    If an image or a layer in the request is damaged, it is a copy in DIRECTORY.
    """
    all_requests = requests(world)
    builder = rng.choice(list(all_requests))
    found = copy.deepcopy(rng.choice(all_requests[builder]))
    beside = {"closure": found.pop("closure")} if "closure" in found and rng.random() < 0.5 else {}
    document = {"outputs": {"out": f"{directory}/out"}, "request": found, **beside}
    text = json.dumps(document).encode()
    if rng.random() < 0.5:
        for name in ("image", "recipe", "gzip", "layer"):
            if json.dumps(world[name]).encode() in text:
                _damage_directory(rng, world[name], f"{directory}/{name}")
                text = text.replace(world[name].encode(), f"{directory}/{name}".encode())
    else:
        text = _damaged_request(rng, document)
    return builder, text


def _damaged_request(rng: random.Random, document: dict[str, Any]) -> bytes:
    """Return DOCUMENT with other values in its request; the output stays, and so do all other files."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        key = rng.choice([key for key in document if key != "outputs"] or ["request"])
        value = json.loads(rewritten(rng, [document.get(key)]))
        document = {name: document[name] for name in document if name != key} | dict.fromkeys(
            [key][: len(value)], *value
        )
    # To pack or to search the whole machine is right, and takes long.
    text = json.dumps(document).replace('"/"', '"."').encode()
    return rng.choice((repeat_key, damaged_end))(rng, text) if rng.random() < 0.1 else text


def damaged_end(rng: random.Random, text: bytes) -> bytes:
    """Return TEXT without its last bytes, or with others."""
    return text[: -rng.randint(1, 5)] + rng.choice((b"", b"}", b"\0", b"\xff", b"]"))


def _damage_directory(rng: random.Random, source: str, copied: str) -> None:
    """Copy the image or layer directory SOURCE, and damage a file in it."""
    shutil.copytree(source, copied, symlinks=True)
    files = [os.path.join(place, name) for place, _, names in os.walk(copied) for name in names]
    ours = [path for path in files if path.endswith("layer.json")]
    path = rng.choice(sorted(ours if ours and rng.random() < 0.5 else files))
    if rng.random() < 0.1:
        os.unlink(path)
        os.symlink(rng.choice(("/dev/zero", "/etc/passwd", path, "..")), path)
        return
    with open(path, "rb") as file:
        data = file.read()
    if data[:1] == b"{" and rng.random() < 0.8:
        data = rewritten(rng, json.loads(data), (f"touch {CANARY}", copied, f"{copied}/{HASHES[0]}-x"))
    else:
        data = damaged(rng, data)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(data)
