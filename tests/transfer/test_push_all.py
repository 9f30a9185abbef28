"""push-image --all: indexes with all platforms, and artifacts, to a registry."""

import json

import pytest

from engines import registry
from engines.skopeo import Skopeo
from error_line import error_line
from file_trees import write_tar
from image_forms import ARCHITECTURE, Image, nixpkgs
from image_maker import ImageMaker

OTHER = "arm64" if ARCHITECTURE == "amd64" else "amd64"
TYPE = "application/vnd.example+json"


@pytest.fixture
def hub(need, scratch):
    """An empty registry, of a version without referrers API."""
    need("docker-registry", "skopeo", root=True)
    with registry.serve(scratch) as running:
        yield running


@pytest.fixture
def skopeo(scratch):
    return Skopeo(scratch)


@pytest.fixture
def maker(builder, tmp_path):
    """The images of one test."""
    return ImageMaker(builder, tmp_path)


def index(maker):
    """An index of two platforms on one layer, named x:latest."""
    layer = maker.layer("base", {"etc/x": b"x" * 5000})
    images = []
    for name in (ARCHITECTURE, OTHER):
        argv = ("--name", "x", "--layer", layer, "--architecture", name)
        images += ["--image", maker.build(f"{name}.image", "mk-image", *argv)]
    return maker.build("index", "mk-index", "--name", "x", *images)


def attached(maker, image, name, *options):
    note = maker.directory / f"{name}.json"
    note.write_text(f'"{name}"\n')
    argv = ("--artifact-type", TYPE, "--file", f"application/json={note}")
    return maker.build(name, "mk-artifact", image, *argv, *options)


def entries(layout) -> list[dict]:
    return json.loads((layout / "index.json").read_bytes())["manifests"]


def test_an_index(maker, hub, skopeo):
    layout, there = index(maker), f"docker://{hub.host}/team/x:1"
    printed = maker.run("push-image", layout, there, "--all")
    digest = entries(layout)[0]["digest"]
    assert printed.startswith(f"{hub.host}/team/x:1@{digest}: sent 3 (")
    assert [entry["platform"]["architecture"] for entry in skopeo.manifest(there)["manifests"]] == [ARCHITECTURE, OTHER]
    for name in (ARCHITECTURE, OTHER):
        maker.run("verify-image", there, "--platform", f"linux/{name}")


def test_what_is_there_is_not_sent_again(maker, hub):
    layout, there = index(maker), f"docker://{hub.host}/x:1"
    maker.run("push-image", layout, there, "--all")
    sent = hub.uploads()
    assert "sent 0 (0 B), mounted 0, found 3" in maker.run("push-image", layout, there, "--all")
    assert hub.uploads() == sent and len(sent) == 3  # a layer and two configs


def test_artifacts_are_found_by_their_subject(maker, hub, skopeo):
    layout = attached(maker, attached(maker, index(maker), "first"), "second")
    there = f"docker://{hub.host}/x"
    maker.run("push-image", layout, f"{there}:1", "--all")
    _, first, second = entries(layout)
    subject = skopeo.manifest(f"{there}@{first['digest']}")["subject"]["digest"]
    assert subject in [entry["digest"] for entry in skopeo.manifest(f"{there}:1")["manifests"]]
    referrers = skopeo.manifest(f"{there}:{subject.replace(':', '-')}")["manifests"]
    assert referrers == [first, second]
    maker.run("push-image", layout, f"{there}:1", "--all")
    assert skopeo.manifest(f"{there}:{subject.replace(':', '-')}")["manifests"] == referrers


def test_an_artifact_of_an_index_is_found_by_it(maker, hub, skopeo):
    layout, there = attached(maker, index(maker), "note", "--index"), f"docker://{hub.host}/x"
    maker.run("push-image", layout, f"{there}:1", "--all")
    top, note = entries(layout)
    referrers = skopeo.manifest(f"{there}:{top['digest'].replace(':', '-')}")["manifests"]
    assert referrers == [note]


def test_earlier_referrers_stay(maker, hub, skopeo):
    image, there = index(maker), f"docker://{hub.host}/x"
    for name in ("first", "second"):
        layout = attached(maker, image, name)
        maker.run("push-image", layout, f"{there}:1", "--all")
        subject = skopeo.manifest(f"{there}@{entries(layout)[1]['digest']}")["subject"]["digest"]
    assert len(skopeo.manifest(f"{there}:{subject.replace(':', '-')}")["manifests"]) == 2


def test_a_damaged_blob_leaves_the_tag(maker, builder, hub):
    layout, there = index(maker), f"docker://{hub.host}/x:1"
    (blob,) = [path for path in (layout / "blobs/sha256").iterdir() if path.stat().st_size > 4000]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes().replace(b"x" * 4000, b"y" * 4000))
    done = builder("push-image", layout, there, "--all")
    assert done.returncode == 1 and not any("/manifests/1" in request.path for request in hub.requests())


def test_refused(maker, builder, hub, tmp_path):
    there = f"docker://{hub.host}/x:1"
    done = builder("push-image", index(maker), there, "--all", "--platform", "linux/amd64")
    assert error_line(done, "push-image", 2).startswith("cannot push all: --all pushes everything unchanged")
    archive = write_tar(str(tmp_path / "old.tar"), nixpkgs(Image((b"\0" * 1024,))))
    assert error_line(builder("push-image", archive, there, "--all"), "push-image").startswith(
        "bad image: expected an OCI"
    )
