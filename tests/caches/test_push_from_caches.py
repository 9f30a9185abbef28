"""push-image from a binary cache: only the NARs of layers that the registry lacks, each once, and no file is written."""

import json
import resource
from pathlib import Path

import pytest

from cache_server import serving
from engines import registry
from engines.daemon import scratch


@pytest.fixture
def hub(need):
    """An empty registry."""
    need("docker-registry", root=True)
    with scratch() as place, registry.serve(place) as running:
        yield running


def forbid_files() -> None:
    """Let no file have a byte; pipes and sockets have as many as they like."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("compressor", ["none", "gzip"])
def test_a_push_reads_the_nars_that_the_registry_lacks_and_writes_no_file(maker, builder, hub, compressor):
    sizes = [9_000_000 if number in (3, 10) else 1000 * number for number in range(12)]  # these two are streamed
    paths = [maker.path(number, f"path-{number}", size) for number, size in enumerate(sizes)]
    old, new = maker.facts([[path] for path in paths[:9]]), maker.facts([[path] for path in paths])
    cache = maker.cache(*paths)
    maker.forget(*paths)
    for image, read in ((old, paths[:9]), (new, paths[9:]), (new, [])):
        with serving(cache.directory) as server:
            argv = (f"docker://{hub.host}/app:1", "--compressor", compressor, "--from", f"http://{server.host}")
            builder("push-image", image, *argv, check=True, preexec_fn=forbid_files)
            asked = [asked.path for asked in server.asked if asked.path.startswith("/nar/")]
        assert sorted(asked) == sorted(f"/nar/{path.name}" for path in cache.nars(read))
    done = builder("verify-image", f"docker://{hub.host}/app:1")
    assert done.returncode == 0 and "12 layers" in done.stdout


def test_what_is_pushed_has_the_digest_of_the_image(maker, builder, hub):
    path = maker.path(0, "app")
    image = maker.facts([[path]])
    cache = maker.cache(path, compression="none")
    maker.forget(path)
    argv = (f"docker://{hub.host}/app:1", "--preserve-digests", "--from", cache.url)
    [line] = builder("push-image", image, *argv, check=True).stdout.splitlines()
    assert digest_of(image) in line


def digest_of(image: Path) -> str:
    """The digest of the manifest of an image directory."""
    [entry] = json.loads((image / "index.json").read_bytes())["manifests"]
    return entry["digest"]


def test_a_whole_layout_is_not_pushed_from_caches(maker, builder):
    image = maker.facts([[maker.path(0, "app")]])
    done = builder("push-image", image, "docker://localhost:1/app", "--all", "--from", maker.cache().url)
    assert done.returncode == 2 and "leave out --image, --platform, --like, --mount-from and --from" in done.stderr
