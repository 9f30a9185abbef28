"""load-image: an engine gets the layers that it lacks, and the image has its own name and ID afterwards."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from engines import docker, registry, storage
from engines.isolation import ISOLATED
from error_line import error_line
from file_trees import DIRECTORY, busybox
from image_maker import ImageMaker

CONFIG = {"Cmd": ["/bin/sh", "-c", "cat /etc/motd"]}
ENGINES = ("docker", "docker-containerd", "containerd", "podman")
OTHER_NETWORK = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


@pytest.fixture(scope="module")
def images(builder, need, tmp_path_factory) -> tuple[Path, Path]:
    """Two versions of an image, which differ in their last layer."""
    need("busybox")
    maker = ImageMaker(builder, tmp_path_factory.mktemp("images"))
    layers = [maker.layer("base", busybox(), "--compressor", "gzip"), maker.layer("large", {"large": bytes(5_000_000)})]
    motds = {name: {"etc": DIRECTORY, "etc/motd": f"{name} day\n".encode()} for name in ("old", "new")}
    return tuple(maker.image(f"story-{name}", CONFIG, *layers, maker.layer(name, motds[name])) for name in motds)


def environment_of(name: str, engine) -> dict[str, str]:
    """Return the variables by which load-image finds the engine of the tests."""
    if name.startswith("docker"):
        return {"DOCKER_HOST": engine.host}
    if name == "podman":
        return storage.environment(engine.directory)
    return {"CONTAINERD_ADDRESS": engine.address, "CONTAINERD_NAMESPACE": engine.namespace}


def load(name: str, engine, *argv: object, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Run load-image for an engine of the tests."""
    wrapper = ISOLATED if name == "podman" else ()
    command = [*wrapper, *prefix, sys.executable, "-IB", ROOT / "builders/load-image", *map(str, argv)]
    environment = {**os.environ, **environment_of(name, engine)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def expected_id(name: str, image: Path) -> str:
    """The config's digest, or the manifest's in containerd's store."""
    [entry] = json.loads((image / "index.json").read_bytes())["manifests"]
    manifest = (image / "blobs" / entry["digest"].replace(":", "/")).read_bytes()
    by_manifest = name in ("containerd", "docker-containerd")
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}" if by_manifest else json.loads(manifest)["config"]["digest"]


def kind(name: str) -> str:
    return "docker" if name.startswith("docker") else name


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_fetches_what_it_lacks(open_engine, images, name):
    engine = open_engine(name)
    for image, version, fetched in zip(images, ("old", "new"), (4, 2)):
        done = load(name, engine, image, "--engine", kind(name), "--tag", "story:v1")
        assert (done.returncode, done.stderr) == (0, "")
        found = (
            f"docker.io/library/story:v1: {expected_id(name, image)} in {kind(name)}, {fetched} of 4 blobs fetched\n"
        )
        assert done.stdout == found
        assert engine.run("docker.io/library/story:v1").out == f"{version} day\n"
    assert not [reference for reference in engine.references() if "127.0.0.1" in reference]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_elsewhere_gets_an_archive(open_engine, images, need, name):
    need("ip", root=True)
    engine = open_engine(name)
    argv = ("--archive",) if name in ("podman", "containerd") else ()  # these pull in the network of load-image
    prefix = OTHER_NETWORK if not argv else ()
    done = load(name, engine, images[0], "--engine", kind(name), *argv, prefix=prefix)
    assert (done.returncode, done.stderr) == (0, "")
    identifier = expected_id(name, images[0])
    assert done.stdout == f"docker.io/library/story-old:latest: {identifier} in {kind(name)}, from an archive\n"
    assert engine.run("docker.io/library/story-old:latest").out == "old day\n"


@pytest.fixture
def far(need, tmp_path, scratch):
    """A dockerd that listens on TCP with TLS, and a wrapper of commands that run in a network from which it is far.

    Both networks are joined by a cable, but neither reaches the other's loopback.
    """
    need("ip", "dockerd", "openssl", root=True)
    place, here, there = f"laminix{os.getpid()}", f"lmx{os.getpid()}", f"lmy{os.getpid()}"
    near = f"10.213.{os.getpid() % 250}"
    certificate, key = registry.make_certificate(str(tmp_path), f"{near}.1")
    for name, file in (("ca", certificate), ("cert", certificate), ("key", key)):
        (tmp_path / f"{name}.pem").write_bytes(Path(file).read_bytes())
    ip("netns", "add", place)
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", place)
        ip("addr", "add", f"{near}.1/24", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", place, "addr", "add", f"{near}.2/24", "dev", there)
        ip("-n", place, "link", "set", there, "up")
        ip("-n", place, "link", "set", "lo", "up")
        files = ("--tlscacert", certificate, "--tlscert", certificate, "--tlskey", key)
        url = f"tcp://{near}.1:{registry.free_port()}"
        with docker.serve(scratch, "overlay2", "--host", url, "--tlsverify", *files) as engine:
            yield engine, url, tmp_path, ("ip", "netns", "exec", place)
    finally:
        ip("netns", "delete", place)
        subprocess.run(["ip", "link", "delete", here], capture_output=True)  # it has gone with its peer


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True)


def far_load(prefix, image, environment) -> str:
    """Load IMAGE from the other network, and return what load-image prints."""
    command = [*prefix, sys.executable, "-IB", ROOT / "builders/load-image", image, "--engine", "docker"]
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_docker_on_tcp_gets_an_archive(far, images):
    engine, url, certificates, prefix = far
    environment = {"DOCKER_HOST": url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
    assert far_load(prefix, images[0], environment).endswith("in docker, from an archive\n")
    assert engine.run("docker.io/library/story-old:latest").out == "old day\n"


def test_a_docker_of_a_context_gets_an_archive(far, images, need, tmp_path):
    need("docker")
    engine, url, certificates, prefix = far
    files = ",".join(f"{name}={certificates}/{name}.pem" for name in ("ca", "cert", "key"))
    environment = {**os.environ, "DOCKER_CONFIG": str(tmp_path / "config")}
    create = ["docker", "context", "create", "far", "--docker", f"host={url},{files}"]
    subprocess.run(create, check=True, capture_output=True, env=environment)
    chosen = {"DOCKER_CONFIG": environment["DOCKER_CONFIG"], "DOCKER_CONTEXT": "far"}
    assert far_load(prefix, images[0], chosen).endswith("in docker, from an archive\n")
    subprocess.run(["docker", "context", "use", "far"], check=True, capture_output=True, env=environment)
    del chosen["DOCKER_CONTEXT"]
    assert far_load(prefix, images[1], chosen).endswith("in docker, from an archive\n")
    assert engine.run("docker.io/library/story-new:latest").out == "new day\n"
    done = subprocess.run(
        [sys.executable, "-IB", ROOT / "builders/load-image", images[0], "--engine", "docker"],
        capture_output=True,
        text=True,
        env={**environment, "DOCKER_CONTEXT": "none"},
    )
    assert error_line(done, "load-image").startswith("cannot load: docker has no context 'none' (")


SSH = """\
#!/bin/sh
# Runs the command on "the other machine": here, in the network of dockerd.
test "$*" = "-o ConnectTimeout=30 -T -l pilot -p 2222 -- harbour docker system dial-stdio" || {
    echo "ssh: Could not resolve hostname" >&2
    exit 255
}
exec nsenter --net=/proc/%d/ns/net docker --host %s system dial-stdio
"""


def test_a_docker_behind_ssh_gets_an_archive(far, images, need, tmp_path):
    need("docker", "nsenter")
    engine, _, _, prefix = far
    (tmp_path / "ssh").write_text(SSH % (os.getpid(), engine.host))
    (tmp_path / "ssh").chmod(0o755)
    environment = {"DOCKER_HOST": "ssh://pilot@harbour:2222", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert far_load(prefix, images[0], environment).endswith("in docker, from an archive\n")
    assert engine.run("docker.io/library/story-old:latest").out == "old day\n"
    command = [sys.executable, "-IB", ROOT / "builders/load-image", images[0], "--engine", "docker"]
    environment = {**os.environ, **environment, "DOCKER_HOST": "ssh://elsewhere"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    why = "cannot load: docker: ssh: Could not resolve hostname (ssh://elsewhere)"
    assert error_line(done, "load-image") == why


def test_several_names(open_engine, images):
    engine = open_engine("docker")
    argv = ("--tag", "story:v1", "--tag", "localhost:5000/tale:v2")
    done = load("docker", engine, images[0], *argv)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 2)
    assert engine.references() == ["localhost:5000/tale:v2", "story:v1"]


@pytest.mark.parametrize(
    "host, why",
    [
        ("unix:///nonexistent", "cannot load: docker: [Errno 2] No such file or directory (unix:///nonexistent)"),
        ("tcp://127.0.0.1:1", "cannot load: docker: [Errno 111] Connection refused (tcp://127.0.0.1:1)"),
        ("npipe:////./pipe", "docker's host is 'npipe:////./pipe', expected unix://, tcp:// or ssh://"),
    ],
)
def test_an_engine_that_is_not_there(builder, images, host, why):
    done = builder("load-image", images[0], "--engine", "docker", env={**os.environ, "DOCKER_HOST": host})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert why in done.stderr


def test_no_engine_at_all(builder, images):
    environment = {"PATH": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent"}
    done = builder("load-image", images[0], env=environment)
    assert done.stderr == (
        "load-image: error: cannot load: no engine found: start docker, or install podman or containerd\n"
    )


def test_an_image_without_a_name(builder, images, tmp_path):
    builder("pack-image", images[0], "--format", "dir", "--out", tmp_path / "unnamed")
    done = builder("load-image", tmp_path / "unnamed")
    why = f"the image has no name; give one with --tag ({tmp_path}/unnamed)"
    assert done.stderr == f"load-image: error: cannot load: {why}\n"
