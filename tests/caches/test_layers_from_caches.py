"""Layers of store paths that only a cache has are the layers that mk-layer makes of the paths."""

import os
import sys

import pytest

from binary_cache import COMPRESS
from cache_server import serving as serve_cache
from checkout import ROOT
from engines.daemon import scratch
from peak_memory import peak_memory
from registry_faults import Once, disturbed
from serve_image import serving


@pytest.fixture
def paths(maker):
    return [maker.path(number, name) for number, name in enumerate(["tool", "library", "app"])]


@pytest.mark.parametrize("compression", COMPRESS)
def test_every_compression_gives_the_same_image(maker, paths, need, compression):
    need("zstd")
    image = maker.facts([paths])
    expected = maker.packed(image)
    cache = maker.cache(*paths, compression=compression)
    maker.forget(*paths)
    assert maker.packed(image, "--from", cache.url) == expected


@pytest.mark.parametrize("compressor", ["none", "gzip", "zstd"])
def test_owners_permissions_times_and_compressors_are_those_of_the_recipe(maker, paths, need, compressor):
    need("zstd")
    options = ("--perms", maker.perms(), "--uid", 1000, "--gname", "users", "--mtime", 99, "--compressor", compressor)
    image = maker.facts([paths[:1], paths[1:]], *options)
    expected = maker.packed(image)
    cache = maker.cache(*paths)
    maker.forget(*paths)
    assert maker.packed(image, "--from", cache.url) == expected


def test_store_paths_that_are_files_and_links(maker):
    file, link = maker.store / f"{'0' * 32}-file", maker.store / f"{'1' * 32}-link"
    file.write_text("content")
    file.chmod(0o755)
    link.symlink_to(file)
    image = maker.facts([[file, link]])
    expected = maker.packed(image)
    cache = maker.cache(file, link)
    maker.forget(file, link)
    assert maker.packed(image, "--from", cache.url) == expected


def test_the_store_of_another_root(maker, paths):
    image = maker.facts([paths])
    expected = maker.packed(image)
    assert maker.packed(image, "--from", maker.forget(*paths)) == expected


def test_paths_of_this_machine_are_read_here_and_the_others_from_the_first_cache_that_has_them(maker, paths):
    here, first, second = paths
    image = maker.facts([paths])
    expected = maker.packed(image)
    caches = [maker.cache(first), maker.cache(first, second)]
    maker.forget(first, second)
    [unread] = caches[1].nars([first])
    unread.write_bytes(b"nobody reads this")
    assert maker.packed(image, "--from", caches[0].url, "--from", caches[1].url) == expected


def test_what_caches_lack_is_named_before_anything_is_sent(maker, paths):
    image = maker.facts([[path] for path in paths])
    cache = maker.cache(paths[0])
    [unread] = cache.nars(paths[:1])
    unread.write_bytes(b"nobody reads this")
    maker.forget(*paths)
    assert maker.refused(image, "--from", cache.url) == [
        f"missing store path: it is neither on this machine nor in {cache.url} ({path})" for path in sorted(paths[1:])
    ]


def test_many_missing_paths_are_counted(maker):
    paths = [maker.path(number, f"path-{number}") for number in range(30)]
    image = maker.facts([paths])
    cache = maker.cache()
    maker.forget(*paths)
    lines = maker.refused(image, "--from", cache.url)
    assert len(lines) == 21 and lines[-1] == "missing store paths: 10 more than these"


def test_a_server_that_stumbles(maker, paths):
    """A cache over HTTP: requests fail, connections break, and a NAR continues where it broke off."""
    image = maker.facts([paths])
    expected = maker.packed(image)
    cache = maker.cache(*paths, compression="none")
    maker.forget(*paths)
    with serve_cache(cache.directory) as server:
        with disturbed(server.host, Once(503, "hang up", ("cut", 100))) as proxy:
            assert maker.packed(image, "--from", f"http://{proxy.host}/") == expected
        assert any("Range" in asked.headers for asked in server.asked)


def test_each_nar_is_read_once(maker, paths):
    image = maker.facts([paths[:2], paths[2:]])
    cache = maker.cache(*paths)
    maker.forget(*paths)
    with serve_cache(cache.directory) as server:
        maker.packed(image, "--from", f"http://{server.host}")
        asked = sorted(request.path for request in server.asked)
    names = ["nix-cache-info", *(f"{path.name[:32]}.narinfo" for path in paths)]
    assert asked == sorted([f"/{name}" for name in names] + [f"/nar/{path.name}" for path in cache.nars(paths)])


def test_without_a_cache_the_remedy_is_named(maker, paths):
    image = maker.facts([paths])
    maker.forget(paths[1])
    why = "no such store path; builders with --from CACHE fetch it from a binary cache"
    assert maker.refused(image) == [f"cannot rebuild a layer: {why} ({paths[1]})"]


def test_export_image_reads_from_a_cache(maker, builder, paths):
    image = maker.facts([paths])
    expected = builder("export-image", image, "--out", "-", text=False, check=True).stdout
    cache = maker.cache(*paths)
    maker.forget(*paths)
    assert builder("export-image", image, "--out", "-", "--from", cache.url, text=False).stdout == expected


def test_facts_are_an_image_without_its_layers(maker, builder, paths):
    """Layers with a recipe become recipes, whether or not the blob is there; others are copied."""
    image = maker.facts([paths])
    expected = maker.packed(image)
    builder("pack-image", image, "--format", "facts", "--out", maker.directory / "facts", check=True)
    facts = maker.directory / "facts"
    assert not [path for path in facts.rglob("*") if path.is_symlink() or path.stat().st_size > 5000]
    assert maker.packed(facts) == expected
    cache = maker.cache(*paths)
    maker.forget(*paths)
    assert maker.packed(facts, "--from", cache.url) == expected


def test_serve_image_streams_from_a_cache(maker, paths, need, tmp_path):
    need("skopeo")
    from engines.skopeo import Skopeo

    image = maker.facts([paths])
    cache = maker.cache(*paths)
    maker.forget(*paths)
    with scratch() as directory, serving(tmp_path, image, "--from", cache.url) as served:
        Skopeo(directory).copy(f"docker://{served.host}/app:latest", f"dir:{tmp_path}/copy")
    [layer] = [name for name in os.listdir(image / "layers/sha256")]
    assert (tmp_path / "copy" / layer).stat().st_size > 3000


def test_memory_does_not_grow_with_the_layer(maker):
    small, large = maker.path(0, "small"), maker.path(1, "large", size=150_000_000)
    images = [maker.facts([[path]]) for path in (small, large)]
    cache = maker.cache(small, large, compression="gzip")
    maker.forget(small, large)
    argv = [sys.executable, "-IB", ROOT / "builders/pack-image"]
    wanted = ["--format", "docker-archive", "--out", "/dev/null", "--from", cache.url]
    peaks = [peak_memory([*argv, image, *wanted]) for image in images]
    assert peaks[1] < peaks[0] + (40 << 20)


def test_copies_out_of_store_paths_are_not_made_from_a_cache(builder, maker, paths, tmp_path):
    builder("mk-layer", "--copy", f"{paths[0]}:/srv", "--no-blob", "--out", tmp_path / "layer", check=True)
    builder("mk-image", "--name", "app", "--layer", tmp_path / "layer", "--out", tmp_path / "image", check=True)
    expected = maker.packed(tmp_path / "image")
    facts = tmp_path / "facts"
    builder("pack-image", tmp_path / "image", "--format", "facts", "--out", facts, check=True)
    cache = maker.cache(*paths)
    maker.forget(*paths)
    why = "a layer with files copied out of store paths is not made from a cache; keep its blob (blob = true)"
    assert maker.refused(tmp_path / "image", "--from", cache.url) == [f"missing store path: {why} ({paths[0]})"]
    assert maker.refused(tmp_path / "image") == [f"cannot rebuild a layer: no such store path ({paths[0]})"]
    assert maker.packed(facts, "--from", cache.url) == expected
