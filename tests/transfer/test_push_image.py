"""push-image: only what a registry lacks, with as few requests as can be, and never half an image under a tag."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import token_server
from checkout import ROOT
from default_signals import restore_default_signals
from engines import registry
from engines.daemon import scratch
from engines.registry import PASSWORD, USER
from engines.skopeo import Skopeo
from file_trees import DIRECTORY, busybox, tar, write_directory, write_tar
from image_forms import Image, docker_v1_1, gzipped, nixpkgs, oci_layout
from image_maker import ImageMaker
from layer_files import store_path
from registry_faults import Once, disturbed

CONFIG = {"Cmd": ["/bin/sh", "-c", "cat /etc/motd"]}
OLD = {"etc": DIRECTORY, "etc/motd": b"old day\n"}
NEW = {"etc": DIRECTORY, "etc/motd": b"new day\n"}
LARGE = {"large": b"".join(number.to_bytes(4, "big") for number in range(3_000_000))}  # 12 MB: is streamed
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.fixture
def hub(need, scratch):
    """An empty registry."""
    need("docker-registry", root=True)
    with registry.serve(scratch) as running:
        yield running


@pytest.fixture(scope="module")
def shelf(builder, need, tmp_path_factory) -> ImageMaker:
    need("busybox", "zstd")
    return ImageMaker(builder, tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def old(shelf) -> Path:
    """An image of four layers: three plain ones, of which one is large, and one of zstd."""
    layers = [shelf.layer("base", busybox()), shelf.layer("large", LARGE)]
    zstd = shelf.layer("zstd", {"zstd": b"zstd"}, "--compressor", "zstd")
    return shelf.image("story", CONFIG, *layers, zstd, shelf.layer("old", OLD))


@pytest.fixture(scope="module")
def new(shelf, old) -> Path:
    """The same image with another last layer."""
    layers = [shelf.layer(name, {}) for name in ("base", "large", "zstd")]
    return shelf.image("story-new", CONFIG, *layers, shelf.layer("new", NEW))


@pytest.fixture
def push(builder):
    """``push(image, *argv)``: what push-image prints, taken apart."""

    def run(*argv, **how):
        done = builder("push-image", *argv, **how)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return [printed(line) for line in done.stdout.splitlines()]

    return run


def printed(line: str) -> tuple[str, dict[str, int]]:
    """The digest that a line of push-image's tells, and its counts."""
    name, _, counts = line.partition(": sent ")
    words = counts.replace(",", "").split()
    return name.partition("@")[2], {"sent": int(words[0]), "mounted": int(words[4]), "found": int(words[6])}


def digest_at(hub, name: str) -> str:
    """The digest that NAME:TAG has at the registry, as another client says."""
    with scratch() as cache:
        raw = Skopeo(cache)._output("inspect", "--tls-verify=false", f"docker://{hub.host}/{name}")
    return json.loads(raw)["Digest"]


def methods(requests) -> list[str]:
    return [request.method for request in requests]


# What is sent.


def test_a_new_image_arrives_whole_and_gzipped(builder, hub, push, old, shelf):
    [(digest, counts)] = push(old, f"docker://{hub.host}/story:v1")
    assert counts == {"sent": 5, "mounted": 0, "found": 0}
    assert digest == digest_at(hub, "story:v1")
    layers = shelf.layers(f"docker://{hub.host}/story:v1")
    assert [layer["diffID"] for layer in layers] == shelf.diff_ids(old)
    assert [layer["mediaType"].rpartition("+")[2] for layer in layers] == ["gzip", "gzip", "zstd", "gzip"]
    assert builder("verify-image", f"docker://{hub.host}/story:v1").returncode == 0


def test_an_unchanged_image_takes_two_requests(hub, push, old):
    first = push(old, f"docker://{hub.host}/story:v1")
    with hub.counted() as requests:
        [(digest, counts)] = push(old, f"docker://{hub.host}/story:v1")
    assert methods(requests) == ["GET", "GET"]
    assert (digest, counts) == (first[0][0], {"sent": 0, "mounted": 0, "found": 5})


def test_a_changed_layer_is_all_that_is_sent(hub, push, old, new, shelf):
    push(old, f"docker://{hub.host}/story:v1")
    with hub.counted() as requests:
        [(digest, counts)] = push(new, f"docker://{hub.host}/story:v1")
    assert counts == {"sent": 2, "mounted": 0, "found": 3}
    assert len(requests) <= 10
    assert not [request for request in requests if request.method == "PATCH"]
    assert shelf.diff_ids(f"docker://{hub.host}/story:v1") == shelf.diff_ids(new)
    assert digest == digest_at(hub, "story:v1")


def test_a_hundred_layers_take_as_few(hub, push, shelf):
    layers = [shelf.layer(f"layer-{number}", {f"file-{number}": b"x"}) for number in range(100)]
    push(shelf.image("hundred", CONFIG, *layers), f"docker://{hub.host}/hundred")
    with hub.counted() as requests:
        push(shelf.image("hundred-and", CONFIG, *layers, shelf.layer("new", NEW)), f"docker://{hub.host}/hundred")
    assert len(requests) <= 10


def test_like_compares_with_another_tag(hub, push, old, new):
    push(old, f"docker://{hub.host}/story:v1")
    [(_, counts)] = push(new, f"docker://{hub.host}/story:v2", "--like", "v1")
    assert counts == {"sent": 2, "mounted": 0, "found": 3}


def test_like_compares_with_another_repository(hub, push, old, new):
    push(old, f"docker://{hub.host}/story:v1")
    with hub.counted() as requests:
        [(_, counts)] = push(new, f"docker://{hub.host}/tale", "--like", f"{hub.host}/story:v1")
    assert counts == {"sent": 2, "mounted": 3, "found": 0}
    assert not [request for request in requests if request.method == "PATCH"]


def test_no_reuse_asks_for_every_blob(hub, push, old):
    push(old, f"docker://{hub.host}/story:v1")
    with hub.counted() as requests:
        [(_, counts)] = push(old, f"docker://{hub.host}/story:v1", "--no-reuse")
    # The digest of the large layer is known once it has been compressed, and then it has been sent.
    assert counts == {"sent": 1, "mounted": 0, "found": 4}
    assert methods(requests).count("HEAD") == 4


def test_a_blob_that_the_registry_lost_is_sent_again(hub, push, old, shelf, scratch):
    """The config of the tag promises it, the registry has it no more."""
    push(old, f"docker://{hub.host}/story:v1")
    layer = shelf.layers(f"docker://{hub.host}/story:v1")[0]["digest"].partition(":")[2]
    link = Path(scratch) / f"data/docker/registry/v2/repositories/story/_layers/sha256/{layer}/link"
    link.unlink()
    [(_, counts)] = push(old, f"docker://{hub.host}/story:v2", "--like", "v1")
    assert counts["sent"] >= 1
    assert shelf.run("verify-image", f"docker://{hub.host}/story:v2")


def test_preserved_digests(hub, push, old, builder):
    [entry] = json.loads((old / "index.json").read_bytes())["manifests"]
    with hub.counted() as requests:
        [(digest, _)] = push(old, f"docker://{hub.host}/story:v1", "--preserve-digests")
    assert digest == entry["digest"] == digest_at(hub, "story:v1")
    with hub.counted() as requests:
        [(digest, counts)] = push(old, f"docker://{hub.host}/story:v1", "--preserve-digests")
    assert (digest, counts["found"], len(requests)) == (entry["digest"], 5, 2)


def test_gzipped_layers_are_no_preserved_ones(hub, push, old):
    push(old, f"docker://{hub.host}/story:v1")
    [(digest, counts)] = push(old, f"docker://{hub.host}/story:v1", "--preserve-digests")
    assert counts == {"sent": 3, "mounted": 0, "found": 2}
    assert digest == digest_at(hub, "story:v1")


@pytest.mark.parametrize("compressor", ("none", "zstd", "gzip -9"))
def test_compressors(hub, push, old, shelf, compressor):
    push(old, f"docker://{hub.host}/story:v1")
    push(old, f"docker://{hub.host}/story:v1", "--compressor", compressor)
    layers = shelf.layers(f"docker://{hub.host}/story:v1")
    suffix = {"none": "tar", "zstd": "zstd", "gzip -9": "gzip"}[compressor]
    assert [layer["mediaType"].rpartition(".")[2].rpartition("+")[2] for layer in layers] == [suffix] * 2 + [
        "zstd",
        suffix,
    ]
    assert shelf.run("verify-image", f"docker://{hub.host}/story:v1")
    with hub.counted() as requests:
        push(old, f"docker://{hub.host}/story:v1", "--compressor", compressor)
    assert len(requests) == 2


def test_recipes_are_made_as_they_are_sent(hub, push, shelf, builder):
    path = store_path(shelf.directory / "nix/store", "greeting", "good morning\n" * 1_000_000)
    layer = shelf.build("recipe", "mk-layer", "--store-path", path, "--no-blob")
    image = shelf.image("recipes", {}, layer)
    environment = {**os.environ, "NIX_STORE": str(path.parent)}
    [(_, counts)] = push(image, f"docker://{hub.host}/recipes", env=environment)
    assert counts["sent"] == 2
    assert shelf.run("verify-image", f"docker://{hub.host}/recipes:latest")
    path.unlink()  # a layer that is there is not made again
    [(_, counts)] = push(image, f"docker://{hub.host}/recipes")
    assert counts["found"] == 2
    done = builder("push-image", image, f"docker://{hub.host}/others", env=environment)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and str(path) in done.stderr


def test_several_destinations(hub, push, old, shelf):
    destinations = [f"docker://{hub.host}/{name}" for name in ("story:v1", "story:v2", "tale:v1")]
    with hub.counted() as requests:
        pushed = push(old, *destinations)
    assert len({digest for digest, _ in pushed}) == 1
    assert [counts["sent"] for _, counts in pushed] == [5, 5, 1]
    assert pushed[2][1]["mounted"] == 4
    assert methods(requests).count("PATCH") == 1  # the large one
    for destination in destinations:
        assert shelf.diff_ids(destination) == shelf.diff_ids(old)


def test_mounts_from_named_repositories(hub, push, old):
    push(old, f"docker://{hub.host}/story:v1", "--preserve-digests")
    argv = ("--preserve-digests", "--mount-from", "none/such", "--mount-from", "story")
    [(_, counts)] = push(old, f"docker://{hub.host}/tale", *argv)
    assert counts == {"sent": 0, "mounted": 5, "found": 0}


def test_other_forms(hub, push, shelf, builder, tmp_path):
    story = Image((tar({"a": b"1"}), tar({"b": b"2"})), name="story")
    forms = {"v1.1": docker_v1_1(story), "nixpkgs": nixpkgs(story, gzipped), "layout": oci_layout(story, gzipped)}
    for number, (name, members) in enumerate(forms.items()):
        archive = write_tar(str(tmp_path / f"{name}.tar"), members)
        [(digest, _)] = push(archive, f"docker://{hub.host}/story:{name}")
        assert digest == digest_at(hub, f"story:{name}")
        assert shelf.diff_ids(f"docker://{hub.host}/story:{name}") == story.diff_ids
    [(digest, _)] = push(f"docker://{hub.host}/story:layout", f"docker://{hub.host}/copy")
    assert digest == digest_at(hub, "story:layout")  # as it was, to the byte
    with open(archive, "rb") as file:
        [(digest, _)] = push("-", f"docker://{hub.host}/piped", stdin=file)
    assert digest == digest_at(hub, "story:layout")


@pytest.mark.parametrize("name", ("docker", "docker-containerd", "containerd", "podman"))
def test_engines_run_what_was_pushed(open_engine, hub, push, old, name):
    engine = open_engine(name)
    push(old, f"docker://{hub.host}/story:v1")
    assert engine.run(engine.pull(f"{hub.host}/story:v1")).out == "old day\n"


# What the registry wants.


def test_credentials_tls_and_tokens(push, need, old, tmp_path, shelf):
    need("docker-registry", "openssl", root=True)
    files = registry.make_certificate(str(tmp_path))
    import base64

    auth = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    with token_server.serve(USER, PASSWORD, *files) as tokens:
        for options in ({"password": True, "tls": files}, {"token": token_server.options(tokens, files[0])}):
            with scratch() as state, registry.serve(state, **options) as hub:
                (tmp_path / "auth.json").write_text(json.dumps({"auths": {hub.host: auth}}))
                environment = {**os.environ, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
                argv = ["--cacert", files[0]] if "tls" in options else []
                pushed = push(old, f"docker://{hub.host}/story", f"docker://{hub.host}/tale", *argv, env=environment)
                assert [counts["mounted"] for _, counts in pushed] == [0, 4]
                with hub.counted() as requests:
                    push(old, f"docker://{hub.host}/story", *argv, env=environment)
                assert [request.status for request in requests] == [401, 200, 200]


def test_a_read_only_registry(builder, need, old, scratch):
    need("docker-registry", root=True)
    with registry.serve(scratch, readonly=True) as hub:
        done = builder("push-image", old, f"docker://{hub.host}/story")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "status 405" in done.stderr


@pytest.mark.parametrize(
    "argv, why",
    [
        (("docker://{}/story@sha256:" + "0" * 64,), "bad destination: expected a tag, found a digest"),
        (("docker://{}/Story",), "upper-case letters"),
        (("docker://{}/story", "--compressor", "nope"), "nope"),
        (
            ("docker://{}/story", "--like", "example.org/story:v1"),
            "bad --like: expected an image in the registry of every DEST",
        ),
        (("docker://127.0.0.1:1/story",), "Connection refused"),
    ],
)
def test_refuses(builder, hub, old, argv, why):
    with hub.counted() as requests:
        done = builder("push-image", old, *(word.format(hub.host) for word in argv))
    assert done.returncode in (1, 2) and (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert why in done.stderr and not requests


# What breaks.


@pytest.mark.parametrize("faults", ([429, 500, 503], ["hang up"], [("cut", 0), ("cut", 1)]))
def test_faults_that_pass_are_borne(hub, push, old, shelf, faults):
    with disturbed(hub.host, Once(*faults)) as proxy:
        [(digest, _)] = push(old, f"docker://{proxy.host}/story:v1")
    assert digest == digest_at(hub, "story:v1")
    assert shelf.run("verify-image", f"docker://{hub.host}/story:v1")


@pytest.mark.parametrize("number", range(1, 22, 5))
def test_a_push_that_breaks_off_leaves_the_tag_whole(builder, hub, push, old, new, shelf, number):
    """The registry is gone from request NUMBER on; then the tag has the old image, or all was done."""
    push(old, f"docker://{hub.host}/story:v1")
    seen = []

    def gone(method, path):
        seen.append(path)
        return "hang up" if len(seen) > number else None

    with disturbed(hub.host, gone) as proxy:
        done = builder("push-image", new, f"docker://{proxy.host}/story:v1", "--no-reuse", timeout=100)
    expected = new if done.returncode == 0 else old
    assert shelf.diff_ids(f"docker://{hub.host}/story:v1") == shelf.diff_ids(expected)
    assert shelf.run("verify-image", f"docker://{hub.host}/story:v1")
    push(new, f"docker://{hub.host}/story:v1")
    assert shelf.diff_ids(f"docker://{hub.host}/story:v1") == shelf.diff_ids(new)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_an_interrupt_leaves_the_tag_whole(hub, push, old, new, shelf, number):
    push(old, f"docker://{hub.host}/story:v1")
    sent = []

    def slow(method, path):
        sent.append(method)
        if method == "PATCH":
            time.sleep(60)

    with disturbed(hub.host, slow) as proxy:
        argv = [
            sys.executable,
            "-IB",
            ROOT / "builders/push-image",
            new,
            f"docker://{proxy.host}/story:v1",
            "--no-reuse",
        ]
        process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, preexec_fn=restore_default_signals)
        while "PATCH" not in sent:
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert said == ("" if number == signal.SIGKILL else "push-image: error: interrupted\n")
    assert shelf.diff_ids(f"docker://{hub.host}/story:v1") == shelf.diff_ids(old)


def test_a_layer_that_is_not_what_it_says_is_not_sent(builder, hub, shelf, tmp_path):
    layer = shelf.build("damaged.layer", "mk-layer", "--copy", write_directory(str(tmp_path / "tree"), LARGE))
    image = shelf.image("damaged", CONFIG, layer)
    with open(layer / "layer.tar", "r+b") as file:
        file.seek(5_000_000)
        file.write(b"damage")
    blob = next(path for path in (image / "blobs/sha256").iterdir() if path.stat().st_size > 9_000_000)
    if not blob.is_symlink():
        with open(blob, "r+b") as file:
            file.seek(5_000_000)
            file.write(b"damage")
    for options in ((), ("--preserve-digests",)):
        done = builder("push-image", image, f"docker://{hub.host}/damaged", *options)
        assert done.returncode == 1 and "bad layer: its di" in done.stderr and done.stderr.count("\n") == 1
        assert builder("list-layers", f"docker://{hub.host}/damaged").returncode == 1
