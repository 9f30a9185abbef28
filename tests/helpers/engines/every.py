"""The engines that load an archive and run it, by name: what each needs, and how to open it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from engines import buildah, containerd, docker, podman


@dataclass(frozen=True)
class Engine:
    """An engine that a test may ask for."""

    needs: tuple[str, ...]  # programs
    open: Callable[[str], contextlib.AbstractContextManager]  # the engine, its state in a directory


ENGINES = {
    "docker": Engine(docker.NEEDS, lambda directory: docker.serve(directory, "overlay2")),
    "docker-containerd": Engine(docker.NEEDS, lambda directory: docker.serve(directory, "containerd")),
    "containerd": Engine(containerd.NEEDS, containerd.serve),
    "podman": Engine(podman.NEEDS, lambda directory: contextlib.nullcontext(podman.Podman(directory))),
    "buildah": Engine(buildah.NEEDS, lambda directory: contextlib.nullcontext(buildah.Buildah(directory))),
}
