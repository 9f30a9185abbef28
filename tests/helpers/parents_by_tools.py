"""Parent images that other tools make: docker save, skopeo copy, umoci, buildah."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines import docker
from engines.buildah import Buildah
from engines.daemon import scratch
from engines.program import output
from engines.skopeo import Skopeo
from file_trees import write_directory, write_tar
from generations import CONFIG, GROUND, PARENT, STEPS, Parent
from image_forms import docker_oci, gzipped, oci_layout


@dataclass(frozen=True)
class Program:
    """A way to make a parent image: the programs that it needs, and a function that makes it in an empty directory."""

    needs: tuple[str, ...]
    make: Callable[[Path], Parent]


def docker_saves(store: str) -> Callable[[Path], Parent]:
    """Load an image into a dockerd with the image store STORE, and save it with ``docker save``."""

    def make(directory: Path) -> Parent:
        loaded, saved = directory / "loaded", directory / "saved"
        write_tar(str(loaded), docker_oci(STEPS, gzipped))
        with scratch() as place, docker.serve(place, store) as dockerd:
            dockerd.save(str(saved), dockerd.load(str(loaded)))
        return Parent(saved, STEPS.diff_ids, STEPS.steps())

    return make


def skopeo_copies(target: str) -> Callable[[Path], Parent]:
    """Copy an OCI layout to TARGET with ``skopeo copy``; {} in TARGET stands for the path."""

    def make(directory: Path) -> Parent:
        layout, copy = directory / "layout", directory / "copy"
        write_directory(str(layout), oci_layout(STEPS, gzipped))
        Skopeo(str(directory)).copy(f"oci:{layout}:v1", target.format(copy))
        return Parent(copy, STEPS.diff_ids, STEPS.steps())

    return make


def umoci_inserts(directory: Path) -> Parent:
    """Make an image with umoci, a layer for each ``umoci insert``."""
    layout = directory / "layout"
    image = ("--image", f"{layout}:v1")
    ground = write_directory(str(directory / "ground"), GROUND)
    parent = write_directory(str(directory / "parent"), {"parent": PARENT["generation/parent"]})
    output("umoci", "init", "--layout", str(layout))
    output("umoci", "new", *image)
    output("umoci", "insert", *image, ground, "/")
    output("umoci", "insert", *image, parent, "/generation")
    output("umoci", "insert", *image, "--whiteout", "/old/for-parent")
    env = [word for variable in CONFIG["Env"] for word in ("--config.env", variable)]
    cmd = [word for argument in CONFIG["Cmd"] for word in ("--config.cmd", argument)]
    output("umoci", "config", *image, *env, *cmd)
    return _as_skopeo_sees("oci:{}:v1", layout, directory)


def buildah_commits(target: str) -> Callable[[Path], Parent]:
    """Commit a container that has run to TARGET with buildah; {} in TARGET stands for the path."""

    def make(directory: Path) -> Parent:
        committed = directory / "committed"
        ground = write_directory(str(directory / "ground"), GROUND)
        with scratch() as place:
            buildah = Buildah(place)
            with buildah.working_container("scratch") as container:
                buildah.output("add", "--quiet", container, ground, "/")
                buildah.output("commit", "--quiet", container, "ground")
            with buildah.working_container("ground") as container:
                buildah.run_in(container, "/bin/sh", "-c", CHANGE)
                env = [word for variable in CONFIG["Env"] for word in ("--env", variable)]
                buildah.output("config", *env, "--cmd", json.dumps(CONFIG["Cmd"]), container)
                buildah.output("commit", "--quiet", container, target.format(committed))
        return _as_skopeo_sees(target, committed, directory)

    return make


def _as_skopeo_sees(target: str, place: Path, directory: Path) -> Parent:
    """The parent at PLACE, described by its config, which skopeo reads."""
    config = Skopeo(str(directory)).config(target.format(place))
    steps = [entry.get("created_by", "") for entry in config["history"]]
    return Parent(place, config["rootfs"]["diff_ids"], steps)


CHANGE = "echo parent > /generation/parent; /bin/rm /old/for-parent"
DOCKER, SKOPEO, BUILDAH = docker.NEEDS, ("skopeo",), ("buildah", "runc", "skopeo")
PROGRAMS = {
    "docker-save-overlay2": Program(DOCKER, docker_saves("overlay2")),
    "docker-save-containerd": Program(DOCKER, docker_saves("containerd")),
    "skopeo-docker-archive": Program(SKOPEO, skopeo_copies("docker-archive:{}:parent:v1")),
    "skopeo-oci-archive": Program(SKOPEO, skopeo_copies("oci-archive:{}:v1")),
    "skopeo-oci": Program(SKOPEO, skopeo_copies("oci:{}:v1")),
    "skopeo-dir": Program(SKOPEO, skopeo_copies("dir:{}")),
    "umoci": Program(("umoci", *SKOPEO), umoci_inserts),
    "buildah-oci": Program(BUILDAH, buildah_commits("oci:{}:v1")),
    "buildah-docker-archive": Program(BUILDAH, buildah_commits("docker-archive:{}:parent:v1")),
}
