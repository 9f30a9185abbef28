"""Parent images in every form that image tools have written over the years, each by a name."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from file_trees import DIRECTORY, FileTree, HardLink, Link, tar, write_directory, write_tar
from generations import CONFIG, PARENT, STEPS, Parent, image
from image_forms import (
    EMPTY_LAYER,
    Image,
    docker_oci,
    docker_v1,
    docker_v1_1,
    gzipped,
    mixed,
    nixpkgs,
    oci_index,
    oci_layout,
    with_links,
    zstandard,
)
from parents_by_tools import PROGRAMS

TWICE = image(tar({"tmp": DIRECTORY}), tar(PARENT))
DEEP = image(*(tar({f"tmp/{number}": b""}) for number in range(98)))
HOLLOW = image(EMPTY_LAYER, bytes(512), tar({"tmp": DIRECTORY}), EMPTY_LAYER)
UNTOLD = image(history=())
STRANGE = image(more={"x-of-later": {"any": [1, None, 1.5]}, "docker_version": "99", "variant": ""})
STRANGE = replace(STRANGE, runtime={**CONFIG, "X-Of-Later": {"a": None}, "ArgsEscaped": True})
OTHER = Image((tar({"other": b""}),), {}, name="other", tag="v2")
ELSEWHERE = replace(image(tar({"elsewhere": b""})), architecture="mips64le")

TARS: dict[str, tuple[Image, Callable[[Image], FileTree]]] = {
    "docker-1.9": (image(), docker_v1),
    "docker-1.9-deep": (DEEP, docker_v1),
    "docker-1.9-hollow": (HOLLOW, docker_v1),
    "docker-1.10": (image(), docker_v1_1),
    "docker-1.10-no-parent-links": (image(), lambda each: docker_v1_1(each, linked=False)),
    "docker-1.10-several": (image(), lambda each: docker_v1_1(OTHER, each)),
    "docker-1.10-twice": (TWICE, docker_v1_1),
    "docker-1.10-twice-symlink": (TWICE, lambda each: with_links(each, Link)),
    "docker-1.10-twice-hard-link": (TWICE, lambda each: with_links(each, HardLink)),
    "docker-1.10-deep": (DEEP, docker_v1_1),
    "docker-1.10-hollow": (HOLLOW, docker_v1_1),
    "docker-1.10-steps": (STEPS, docker_v1_1),
    "docker-1.10-untold": (UNTOLD, docker_v1_1),
    "docker-1.10-strange": (STRANGE, docker_v1_1),
    "docker-25": (image(), docker_oci),
    "docker-25-gzip": (image(), lambda each: docker_oci(each, gzipped)),
    "docker-25-zstd": (image(), lambda each: docker_oci(each, zstandard)),
    "docker-25-mixed": (TWICE, lambda each: docker_oci(each, mixed)),
    "docker-25-twice": (TWICE, docker_oci),
    "docker-25-deep": (DEEP, lambda each: docker_oci(each, mixed)),
    "docker-25-hollow": (HOLLOW, docker_oci),
    "docker-25-steps": (STEPS, docker_oci),
    "docker-25-strange": (STRANGE, docker_oci),
    "nixpkgs": (image(), nixpkgs),
    "nixpkgs-gzip": (image(), lambda each: nixpkgs(each, gzipped)),
    "nixpkgs-mixed": (TWICE, lambda each: nixpkgs(each, mixed)),
    "oci-archive": (image(), oci_layout),
    "oci-archive-gzip": (image(), lambda each: oci_layout(each, gzipped)),
    "oci-archive-mixed": (TWICE, lambda each: oci_layout(each, mixed)),
}
DIRECTORIES: dict[str, tuple[Image, Callable[[Image], FileTree]]] = {
    "oci": (image(), oci_layout),
    "oci-mixed": (TWICE, lambda each: oci_layout(each, mixed)),
    "oci-untold": (UNTOLD, lambda each: oci_layout(each, gzipped)),
    "oci-two-platforms": (image(), lambda each: oci_index([ELSEWHERE, each])),
    "oci-nested-index": (image(), lambda each: oci_index([ELSEWHERE, each], gzipped, nested=True)),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "docker-1.10-in-gzip": gzip.compress,
    "docker-1.10-in-bzip2": bz2.compress,
    "docker-1.10-in-xz": lambda data: lzma.compress(data, preset=0),
    "docker-1.10-in-zstd": lambda data: zstandard(data)[1],
}
NAMES = (*TARS, *DIRECTORIES, *PACKERS, *PROGRAMS)


def needs(name: str) -> tuple[str, ...]:
    """The programs that it takes to make the parent image called NAME."""
    return ("busybox", "zstd", *(PROGRAMS[name].needs if name in PROGRAMS else ()))


def make(name: str, directory: Path) -> Parent:
    """Make the parent image called NAME in the empty DIRECTORY."""
    place = str(directory / "no-telling-name")
    if name in TARS:
        content, write = TARS[name]
        return _parent(write_tar(place, write(content)), name, content)
    if name in DIRECTORIES:
        content, write = DIRECTORIES[name]
        return _parent(write_directory(place, write(content)), name, content)
    if name in PACKERS:
        Path(place).write_bytes(PACKERS[name](tar(docker_v1_1(image()))))
        return _parent(place, name, image())
    return PROGRAMS[name].make(directory)


def _parent(place: str, name: str, content: Image) -> Parent:
    """The description of a parent that was written from CONTENT."""
    steps = content.steps()
    if name.startswith("docker-1.9"):
        steps = [f"/bin/sh -c {step}" for step in steps]
    choice = f"{content.name}:{content.tag}" if name.endswith("several") else None
    return Parent(Path(place), content.diff_ids, steps, choice)
