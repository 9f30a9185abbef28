"""Images of every form with damage that keeps most of their structure: the same image for the same seed, always."""

import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
from collections.abc import Callable
from typing import Any

import raw_tar
from file_trees import DIRECTORY, FileTree, HardLink, Link, tar, write_directory
from image_forms import (
    OCI,
    Image,
    dir_transport,
    docker_oci,
    docker_v1,
    docker_v1_1,
    encode,
    gzipped,
    nixpkgs,
    oci_index,
    oci_layout,
    sha256,
)

WORDS = (
    "",
    ".",
    "..",
    "/",
    "a",
    "etc",
    "etc/f",
    "../x",
    "/abs",
    ".wh.etc",
    ".wh.",
    ".wh..wh..opq",
    "x" * 300,
    "\udcff",
)
WORDS += (
    "sha256:" + "0" * 64,
    "linux",
    "amd64",
    "latest",
    "a\0b",
    "\x1b[2J",
    "\x9b2J",
    "\u202e",
    "é",
    "2015-01-01T00:00:00Z",
    "none",
    "gzip",
)
NUMBERS = (0, 1, 2, -1, -512, -1024, 255, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**400, 0.5, 1e308)
KINDS = [bytes([byte]) for byte in b"01234567xgXLKSDZ\0"]

SECRET = b"a file outside of the image"
OUTSIDE = ("../secret.tar", "../../secret.tar")  # a layer that contains SECRET, as a link in an image names it

LAYERS = (
    tar({"etc": DIRECTORY, "etc/f": b"f", "bin": Link("usr/bin"), "usr": DIRECTORY, "usr/bin": DIRECTORY}),
    tar({"etc": DIRECTORY, "etc/.wh.f": b"", "h": b"1", "i": HardLink("h"), "n" * 120: b"long"}),
    tar({"etc/.wh..wh..opq": b"", "bin": DIRECTORY, "bin/tool": b"tool"}),
    bytes(1024),
)


def image(rng: random.Random) -> Image:
    """An image with one to three layers, some of them odd."""
    layers = tuple(rng.choice(LAYERS) if rng.random() < 0.7 else odd_layer(rng) for _ in range(rng.randint(1, 3)))
    runtime = {"Env": ["A=1"], "Cmd": ["/bin/tool"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}}
    return Image(layers, runtime if rng.random() < 0.5 else {}, architecture=rng.choice(("amd64", "arm64")))


def odd_layer(rng: random.Random) -> bytes:
    """A tar of headers that mostly make sense, one by one."""
    parts = [_odd_member(rng) for _ in range(rng.randint(1, 5))]
    return b"".join(parts) + rng.choice((raw_tar.END, raw_tar.END, bytes(512), b""))


def _odd_member(rng: random.Random) -> bytes:
    name, data = _bytes(rng)[:100], rng.randbytes(rng.choice((0, 1, 511, 512, 513)))
    choice = rng.random()
    if choice < 0.2:
        keys = ("path", "linkpath", "size", "uid", "gid", "mtime", "atime", "uname", "comment")
        records = {rng.choice(keys): rng.choice((_bytes(rng), _digits(rng))) for _ in range(rng.randint(1, 3))}
        return raw_tar.pax(rng.choice((b"x", b"x", b"g", b"X")), **records)
    if choice < 0.3:
        return raw_tar.long_name(_bytes(rng) * rng.choice((1, 1, 20)), rng.choice((b"L", b"K")))
    fields = {"link": _bytes(rng)[:100], "prefix": _bytes(rng)[:155]} if rng.random() < 0.4 else {}
    if rng.random() < 0.3:
        field = rng.choice(("mode", "uid", "gid", "size", "mtime", "major", "minor"))
        fields[field] = _field(rng, 12 if field in ("size", "mtime") else 8)
    kind = b"0" if rng.random() < 0.5 else rng.choice(KINDS)
    magic = rng.choice((raw_tar.USTAR, raw_tar.USTAR, raw_tar.GNU, raw_tar.V7))
    return raw_tar.member(name, data if kind in b"0\0" else b"", kind, magic=magic, **fields)


def _bytes(rng: random.Random) -> bytes:
    return os.fsencode(rng.choice(WORDS))


def _digits(rng: random.Random) -> bytes:
    return str(rng.choice(NUMBERS)).encode()


def _field(rng: random.Random, length: int) -> bytes:
    """A number as a header has it, or not."""
    number = rng.choice(NUMBERS)
    if isinstance(number, int) and rng.random() < 0.5:
        return (number % 256**length).to_bytes(length, "big")
    return rng.choice((b"%o" % abs(int(number)), rng.randbytes(length), b"", b"-1", b"9", b" 7 "))[:length]


def _compression(rng: random.Random) -> Callable[[bytes], tuple[str, bytes]]:
    def odd(layer: bytes) -> tuple[str, bytes]:
        data = gzip.compress(layer, mtime=0)
        return "+gzip", rng.choice(
            (data + bytes(512), data[:-4], gzip.compress(b"") * 3 + data, data + data, b"\x1f\x8b")
        )

    return rng.choice((lambda layer: ("", layer), gzipped, gzipped, odd))


FORMS: dict[str, Callable[[random.Random], FileTree]] = {
    "docker-1.9": lambda rng: docker_v1(image(rng)),
    "docker-1.10": lambda rng: docker_v1_1(image(rng)),
    "docker-25": lambda rng: docker_oci(image(rng), _compression(rng)),
    "nixpkgs": lambda rng: nixpkgs(image(rng), _compression(rng)),
    "oci": lambda rng: oci_layout(image(rng), _compression(rng)),
    "index": lambda rng: oci_index([image(rng)], _compression(rng), nested=rng.random() < 0.5),
    "dir": lambda rng: dir_transport(image(rng), _compression(rng)),
    "nest": lambda rng: nest(image(rng), rng.randint(1, 12), rng.randint(1, 8)),
}


def nest(image: Image, levels: int, copies: int) -> FileTree:
    """An OCI layout with indexes in indexes, LEVELS deep; each names the next one COPIES times."""
    members = oci_layout(image)
    for _ in range(levels):
        inner = members["index.json"]
        members[f"blobs/sha256/{sha256(inner)}"] = inner
        descriptor = {"mediaType": f"{OCI}.index.v1+json", "digest": f"sha256:{sha256(inner)}", "size": len(inner)}
        members["index.json"] = encode({"schemaVersion": 2, "manifests": [descriptor] * copies})
    return members


def members(rng: random.Random) -> FileTree:
    """The members of an image of any form, damaged."""
    tree = FORMS[rng.choice(list(FORMS))](rng)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        rng.choice((_change_json, _change_json, _change_json, _change_bytes, _change_members))(rng, tree)
    return tree


# Damage.


def _change_json(rng: random.Random, tree: FileTree) -> None:
    """Change a document, and mostly whatever names it by its digest."""
    documents = {name: value for name, data in tree.items() if (value := _parsed(data)) is not None}
    if not documents:
        return
    name = rng.choice(sorted(documents))
    data = rewritten(rng, documents[name])
    if rng.random() < 0.2:
        data = rng.choice((repeat_key, _other_case, _other_encoding, _nested))(rng, data)
    _replace(tree, name, data, follow=rng.random() < 0.8)


def _parsed(data: Any) -> Any:
    if isinstance(data, bytes) and data[:1] in (b"{", b"["):
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            pass
    return None


def rewritten(rng: random.Random, document: Any, words: tuple[str, ...] = ()) -> bytes:
    """The document with another value somewhere; texts are of WORDS as well as of our own."""
    places = list(_places(document))
    if places:
        parent, key = rng.choice(places)
        if rng.random() < 0.15:
            del parent[key]
        else:
            parent[key] = rng.choice(words) if words and rng.random() < 0.3 else _value(rng, parent[key])
    return json.dumps(document).encode()


def _places(value: Any):
    todo = [value]
    while todo:
        inner = todo.pop()
        keys = inner.keys() if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        for key in list(keys):
            yield inner, key
            todo.append(inner[key])


def _value(rng: random.Random, old: Any) -> Any:
    choice = rng.randrange(8)
    if choice == 0:
        return None
    if choice == 1:
        return [old] * rng.randint(0, 3)
    if choice == 2:
        return {rng.choice(WORDS): old}
    if choice == 3 and isinstance(old, str) and old:
        at = rng.randrange(len(old))
        return old[:at] + rng.choice(WORDS) + old[at + rng.randint(0, 2) :]
    return rng.choice((rng.choice(NUMBERS), rng.choice(WORDS), True, {}, []))


def repeat_key(rng: random.Random, data: bytes) -> bytes:
    """DATA with a key that may be there already."""
    return data.replace(b"{", b'{"config":{},"digest":"x",', 1) if data.startswith(b"{") else data + data


def _other_case(rng: random.Random, data: bytes) -> bytes:
    for key in rng.sample(("config", "layers", "digest", "manifests", "rootfs", "diff_ids", "Layers"), 3):
        data = data.replace(f'"{key}"'.encode(), f'"{key.swapcase()}"'.encode(), 1)
    return data


def _other_encoding(rng: random.Random, data: bytes) -> bytes:
    return data.decode().encode(rng.choice(("utf-8-sig", "utf-16", "utf-32")))


def _nested(rng: random.Random, data: bytes) -> bytes:
    depth = rng.choice((10, 2000, 100_000))
    return data.replace(b":", b":" + b"[" * depth + b"]" * depth + b',"x":', 1)


def _replace(tree: FileTree, name: str, data: bytes, follow: bool) -> None:
    """Give the member NAME the content DATA, and with FOLLOW the right name and descriptors."""
    old = hashlib.sha256(tree[name]).hexdigest()
    tree[name] = data
    if not follow or old not in name:
        return
    new = hashlib.sha256(data).hexdigest()
    tree[name.replace(old, new)] = tree.pop(name)
    for other in list(tree):
        document = tree.get(other)
        value = _parsed(document)
        if value is not None and old.encode() in document:
            _replace(tree, other, _redirected(value, old, new, len(data)), follow)


def _redirected(document: Any, old: str, new: str, size: int) -> bytes:
    for parent, key in list(_places(document)):
        if isinstance(parent[key], str) and old in parent[key]:
            parent[key] = parent[key].replace(old, new)
            if key == "digest" and isinstance(parent, dict) and "size" in parent:
                parent["size"] = size
    return json.dumps(document).encode()


def _change_bytes(rng: random.Random, tree: FileTree) -> None:
    names = sorted(name for name, data in tree.items() if isinstance(data, bytes) and data)
    if names:
        name = rng.choice(names)
        _replace(tree, name, damaged(rng, tree[name]), follow=rng.random() < 0.5)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """DATA with a few bytes changed, cut, doubled or put in."""
    at, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 8, 512))
    new = rng.choice((b"", rng.randbytes(length), bytes(length), b"\xff" * length, data[at : at + length] * 2))
    return rng.choice((data[:at], data[:at] + new + data[at + length :], data[:at] + new + data[at:]))


def _change_members(rng: random.Random, tree: FileTree) -> None:
    name, other = rng.choice(sorted(tree)), rng.choice(sorted(tree))
    choice = rng.randrange(8)
    if choice == 0:
        del tree[name]
    elif choice == 1:
        tree[rng.choice(WORDS) or "x"] = tree.pop(name)
    elif choice == 2:
        tree[name] = HardLink(rng.choice((other, f"../{other}", "/etc/passwd", "..", "")))
    elif choice == 3:
        tree[name], tree[other] = tree[other], tree[name]
    elif choice == 4:
        tree[name] = DIRECTORY
    elif choice == 5:
        tree[name] = Link(rng.choice((other, f"../{other}", "/etc/passwd", "/dev/zero", "..", "")))
    elif choice == 6:
        tree[name] = Link(rng.choice(OUTSIDE))
    else:
        tree["index.json" if rng.random() < 0.5 else "manifest.json"] = tree[name]


# Writing.


def write(rng: random.Random, tree: FileTree, path: str) -> None:
    """Write the image to PATH: an archive, perhaps compressed or damaged, or a directory."""
    if rng.random() < 0.4 and _fits_a_directory(tree):
        write_directory(path, {name: data for name, data in tree.items()})
        return
    try:
        data = tar(tree)
    except (ValueError, UnicodeError):  # nothing that tarfile writes
        data = tar({name: data for name, data in tree.items() if isinstance(data, bytes) and name.isascii()})
    if rng.random() < 0.1:
        data = damaged(rng, data)
    if rng.random() < 0.1:
        data = rng.choice((lambda d: gzip.compress(d, 1), lambda d: lzma.compress(d, preset=0), bz2.compress))(data)
        data = damaged(rng, data) if rng.random() < 0.3 else data
    with open(path, "wb") as file:
        file.write(data)


def _fits_a_directory(tree: FileTree) -> bool:
    """Whether the tree can be written without leaving its directory."""
    names = {name for name in tree if name and not name.startswith("/") and "\0" not in name}
    parts = [part for name in names for part in name.split("/")]
    if len(names) < len(tree) or not all(0 < len(part) < 256 and part not in (".", "..") for part in parts):
        return False
    plain = all(not isinstance(data, HardLink) and getattr(data, "target", "x") for data in tree.values())
    files = {name for name, data in tree.items() if data is not DIRECTORY}
    return plain and not any(name.startswith(f"{file}/") for file in files for name in names)
