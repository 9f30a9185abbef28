"""A real engine runs an image whose programs only a binary cache has."""

import os
import shutil

import pytest

from file_trees import BUSYBOX


@pytest.mark.parametrize("name", ["docker", "docker-containerd"])
def test_an_engine_runs_what_only_a_cache_has(maker, builder, open_engine, name):
    engine = open_engine(name)
    path = maker.path(0, "greeter")
    shutil.copyfile(BUSYBOX, path / "bin/busybox")
    (path / "bin/busybox").chmod(0o555)
    image = maker.facts([[path]])
    cache = maker.cache(path, compression="gzip")
    maker.forget(path)
    environment = {**os.environ, "DOCKER_HOST": engine.host}
    argv = ("load-image", image, "--engine", "docker", "--from", cache.url)
    done = builder(*argv, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert engine.run("docker.io/library/app:latest", f"{path}/bin/busybox", "cat", f"{path}/a/below").out == "x" * 513
