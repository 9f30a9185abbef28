"""Closures to plan: real ones, made ones of many shapes, and what updates make of them.

The real ones are dependency graphs and sizes of Debian packages, in sample_closures.json.xz: for each closure
a list of [name, size, numbers of what it refers to].  They are not Nix's, but real in shape.
"""

import hashlib
import json
import lzma
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

Closure = list[dict[str, Any]]  # as exportReferencesGraph gives it
FILE = Path(__file__).with_name("sample_closures.json.xz")
ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"


def real_closures() -> dict[str, Closure]:
    """The closures in the file, by name."""
    return {name: _closure(packages) for name, packages in json.loads(lzma.decompress(FILE.read_bytes())).items()}


def store_path(name: str, build: object = 0) -> str:
    """The store path of NAME, with a hash that comes from NAME and BUILD."""
    number = int.from_bytes(hashlib.sha256(f"{name} {build}".encode()).digest()[:20], "big")
    return f"/nix/store/{''.join(ALPHABET[number >> 5 * place & 31] for place in range(32))}-{name}"


def _closure(packages: list[tuple[str, int, list[int]]]) -> Closure:
    paths = [store_path(name) for name, _, _ in packages]
    return [
        {"path": path, "narSize": size, "references": [path, *(paths[link] for link in links)]}
        for path, (_, size, links) in zip(paths, packages)
    ]


def made_closure(count: int, seed: int = 0) -> Closure:
    """COUNT paths: each refers to a few of those before it, some of which most others refer to."""
    rng = random.Random(seed)
    packages = []
    for number in range(count):
        wanted = min(number, rng.choice((1, 2, 4, 8)))
        links = sorted({int(number * rng.random() ** rng.choice((0.7, 3))) for _ in range(wanted)})
        packages.append((f"package{number}-{rng.randrange(9)}.0", int(rng.lognormvariate(11, 2)), links))
    return _closure(packages)


def shaped_closures() -> dict[str, Closure]:
    """Closures of simple shapes, by name: each is the worst case of some way to plan."""
    count = range(60)
    return {
        "none": [],
        "one": _closure([("a-1", 1, [])]),
        "empty-paths": _closure([(f"p{n}-1", 0, [n - 1] if n else []) for n in count]),
        "chain": _closure([(f"p{n}-1", 1000 * n, [n - 1] if n else []) for n in count]),
        "leaves": _closure([(f"p{n}-1", 50_000 * n, []) for n in count] + [("app-1", 5, list(count))]),
        "strangers": _closure([(f"p{n}-1", 70_000, []) for n in count]),
        "twins": _named_alike(),
        "tower": _closure([(f"p{n}-1", 1 << (n % 30), list(range(n))) for n in count]),
    }


def _named_alike() -> Closure:
    """Two builds of each package, in one chain: only their place in it tells them apart."""
    paths = [store_path(f"same{number}-1", build) for build in "ab" for number in range(20)]
    below = [[], *([path] for path in paths)]
    return [{"path": path, "narSize": 1000, "references": [*links, path]} for path, links in zip(paths, below)]


def rebuilt(closure: Closure, build: object) -> tuple[Closure, dict[str, str]]:
    """CLOSURE with another hash in every path, and what each path has become."""
    new = {item["path"]: _next_path(item["path"], build) for item in closure}
    return [_renamed(item, new) for item in closure], new


def _next_path(path: str, build: object) -> str:
    return store_path(path[44:], f"{build} of {path}")


def _renamed(item: dict[str, Any], new: dict[str, str]) -> dict[str, Any]:
    path, references = item["path"], item["references"]
    renamed = {"path": new.get(path, path), "references": [new.get(other, other) for other in references]}
    return {**item, **renamed}


def updated(closure: Closure, build: int, rng: random.Random) -> Closure:
    """CLOSURE after one package changed, which renames it and all that refers to it.

    In three of ten updates the package takes a new one in, in two it goes.
    """
    package = rng.choice(closure)
    kind = rng.choices(("changes", "grows", "goes"), (5, 3, 2))[0]
    changed = {path: _next_path(path, build) for path in _above(closure, package["path"])}
    others = [item for item in closure if item is not package]
    if kind == "goes" and len(changed) > 1:
        return [_renamed(_without(item, package), changed) for item in others]
    if kind == "grows":
        new = store_path(f"new{build}-1.0", build)
        addition = {"path": new, "narSize": rng.choice(closure)["narSize"], "references": [new]}
        package = {**package, "references": [*package["references"], new]}
        return [*(_renamed(item, changed) for item in (*others, package)), addition]
    package = {**package, "narSize": int(package["narSize"] * rng.uniform(0.95, 1.05)) + 1}
    return [_renamed(item, changed) for item in (*others, package)]


def _above(closure: Closure, path: str) -> set[str]:
    referrers = defaultdict(list)
    for item in closure:
        for reference in item["references"]:
            referrers[reference].append(item["path"])
    found, waiting = {path}, [path]
    while waiting:
        new = set(referrers[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def _without(item: dict[str, Any], gone: dict[str, Any]) -> dict[str, Any]:
    """ITEM where GONE is no more: it refers to what that referred to."""
    if gone["path"] not in item["references"]:
        return item
    references = {*item["references"], *gone["references"]} - {gone["path"]}
    return {**item, "references": sorted(references)}
