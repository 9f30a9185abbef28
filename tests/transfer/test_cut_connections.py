"""Every request of a push and of a pull, cut at every position: what arrives is whole, and so is what a tag names."""

import concurrent.futures
import json
import random
import urllib.request
from pathlib import Path

import pytest

from cut_connections import CUTS, Cut, EachOnce, GoneAt, cutting
from engines import registry
from engines.daemon import scratch
from error_line import error_line
from file_trees import busybox
from image_maker import ImageMaker
from layer_files import store_path
from serve_image import serving

LARGE = {"large": bytes(8_500_000), "noise": random.Random(1).randbytes(500_000)}  # is streamed
MOST_REQUESTS = 40  # of one push here
CUTS_OF_PULLS = [cut for cut in CUTS if cut.part != "request body"]  # a pull sends none


@pytest.fixture(scope="module")
def hub(need):
    """A registry for all tests, each of which has a repository of its own."""
    need("docker-registry", root=True)
    with scratch() as state, registry.serve(state) as running:
        yield running


@pytest.fixture(scope="module")
def shelf(builder, need, tmp_path_factory) -> ImageMaker:
    need("busybox", "zstd")
    return ImageMaker(builder, tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def old(shelf) -> Path:
    return shelf.image("old", {}, shelf.layer("base", busybox()), shelf.layer("note", {"note": b"old\n"}))


@pytest.fixture(scope="module")
def new(shelf, old) -> Path:
    """An image with a layer that is streamed, one whose digest is known, and one as in OLD."""
    zstd = shelf.layer("zstd", {"zstd": b"zstd"}, "--compressor", "zstd")
    return shelf.image("new", {"Cmd": ["/bin/new"]}, shelf.layer("base", {}), shelf.layer("large", LARGE), zstd)


@pytest.fixture
def name(request) -> str:
    """A repository for this test alone."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower()).strip("-")


def assert_holds(shelf, address: str, *images: Path) -> None:
    """The tag names one of IMAGES, and all of it is there."""
    assert shelf.diff_ids(address) in [shelf.diff_ids(image) for image in images]
    assert shelf.run("verify-image", address)


def assert_all_were_cut(rule: EachOnce) -> None:
    """Every request that has such a part was cut, and passed when it came again."""
    assert rule.cut_off and rule.cut_off <= rule.passed | {name for name in rule.cut_off if is_one_of_many(name)}


def is_one_of_many(name: str) -> bool:
    """Whether the request need not come again under that name."""
    return "/uploads/N" in name  # the upload begins anew, and the digest may have come all the same


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_push_bears_every_cut_once(hub, shelf, old, new, name, cut):
    address = f"docker://{hub.host}/{name}:v1"
    shelf.run("push-image", old, address)
    with cutting(hub.host, rule := EachOnce(cut)) as proxy:
        shelf.run("push-image", new, f"docker://{proxy.host}/{name}:v1", "--no-reuse")
    assert_holds(shelf, address, new)
    assert_all_were_cut(rule)


@pytest.mark.parametrize("cut", [cut for cut in CUTS[:-3] if cut.place == "middle"], ids=str)  # it reads no body
def test_a_push_of_all_bears_a_cut_of_every_part(hub, shelf, new, name, cut):
    with cutting(hub.host, rule := EachOnce(cut)) as proxy:
        shelf.run("push-image", new, f"docker://{proxy.host}/{name}:v1", "--all")
    assert_holds(shelf, f"docker://{hub.host}/{name}:v1", new)
    assert_all_were_cut(rule)


def test_a_push_that_is_cut_for_good_leaves_a_whole_image(builder, hub, shelf, old, new):
    """The registry is gone in the middle of request 0, 1, 2 ...: the tag names the old image, or the new one."""
    with cutting(hub.host, whole := GoneAt(MOST_REQUESTS, CUTS[0])) as proxy:
        shelf.run("push-image", new, f"docker://{proxy.host}/good:v1", "--no-reuse")
    names = [f"good{number}" for number in range(whole.seen)]
    shelf.run("push-image", old, *(f"docker://{hub.host}/{name}:v1" for name in names))
    known = {digest_at(hub, "good0"): old, digest_at(hub, "good"): new}

    def push(number: int) -> bool:
        with cutting(hub.host, GoneAt(number, CUTS[number * 5 % len(CUTS)])) as proxy:
            done = builder("push-image", new, f"docker://{proxy.host}/good{number}:v1", "--no-reuse", timeout=100)
        # The answer to the last request has no body that could be cut.
        return done.returncode == 0 or error_line(done, "push-image").startswith("registry request failed: ")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # they wait most of the time
        assert all(pool.map(push, range(whole.seen)))
    for name in names:
        assert_holds(shelf, f"docker://{hub.host}/{name}:v1", known[digest_at(hub, name)])


def digest_at(hub, name: str) -> str:
    """The digest that the tag names."""
    accepted = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    asked = urllib.request.Request(f"http://{hub.host}/v2/{name}/manifests/v1", headers=accepted)
    with urllib.request.urlopen(asked) as answer:
        return answer.headers["Docker-Content-Digest"]


@pytest.mark.parametrize("cut", CUTS_OF_PULLS, ids=str)
def test_a_pull_bears_every_cut_once(hub, shelf, new, tmp_path, cut):
    shelf.run("push-image", new, f"docker://{hub.host}/pulled:v1")
    with cutting(hub.host, rule := EachOnce(cut)) as proxy:
        pull(shelf, proxy, "pulled:v1", tmp_path / "out")
    assert_holds(shelf, str(tmp_path / "out"), new)
    assert_all_were_cut(rule)


@pytest.mark.parametrize("cut", [cut for cut in CUTS_OF_PULLS if cut.place == "middle"], ids=str)
def test_a_pull_of_recipes_bears_every_cut_once(shelf, tmp_path, cut):
    path = store_path(shelf.directory / "nix/store", "greeting", "good morning\n" * 300_000)
    image = shelf.image("recipes", {}, shelf.build("recipe", "mk-layer", "--store-path", path, "--no-blob"))
    with (
        serving(tmp_path, image, NIX_STORE=str(path.parent)) as server,
        cutting(server.host, rule := EachOnce(cut)) as proxy,
    ):
        pull(shelf, proxy, "recipes:latest", tmp_path / "out")
    assert_holds(shelf, str(tmp_path / "out"), image)
    assert_all_were_cut(rule)


def pull(shelf: ImageMaker, proxy, name: str, out: Path) -> None:
    shelf.run("pull-image", f"docker://{proxy.host}/{name}", "--out", out)
    [entry] = json.loads((out / "index.json").read_bytes())["manifests"]
    assert entry["digest"]


def test_a_pull_that_is_cut_for_good_leaves_nothing(builder, hub, shelf, new, tmp_path):
    shelf.run("push-image", new, f"docker://{hub.host}/pulled:v1")
    for number in range(5):  # a manifest, a config, three layers
        with cutting(hub.host, rule := GoneAt(number, Cut("answer body", "middle"))) as proxy:
            done = builder("pull-image", f"docker://{proxy.host}/pulled:v1", "--out", tmp_path / "out", timeout=100)
        assert rule.seen > number and error_line(done, "pull-image").startswith("registry request failed: ")
        assert list(tmp_path.iterdir()) == []
