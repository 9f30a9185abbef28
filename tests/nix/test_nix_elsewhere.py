"""Builds that happen on another machine, or happened there: remote builders and binary caches."""

import os

import pytest

from run_nix import Nix

ARCHIVE = "examples.hello.dockerArchive"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for stores of its own")


@pytest.fixture(scope="module")
def expected(nix) -> bytes:
    return nix.build(ARCHIVE).read_bytes()


def test_another_machine_builds_it(other_store, expected, tmp_path):
    """A second store takes the builder's part, through Nix's real build hook."""
    nix = other_store.having(
        builders=f"local?root={tmp_path}/remote {os.uname().machine}-linux - 8 1",
        max_jobs="0",
        build_poll_interval="0",
    )
    assert nix.build(ARCHIVE).read_bytes() == expected
    assert list((tmp_path / "remote" / "nix" / "store").glob("*-hello.tar"))


def test_a_cache_gives_it_without_a_build(nix, other_store, expected, tmp_path):
    cache = f"file://{tmp_path}/cache?compression=none"
    nix("nix", "copy", "--no-check-sigs", "--to", cache, nix.build(ARCHIVE))
    served = other_store.having(substituters=cache, require_sigs="false", max_jobs="0")
    assert served.build(ARCHIVE).read_bytes() == expected


def test_only_the_layer_that_changed_is_copied_again(nix, tmp_path):
    """An image is kilobytes beside its layers: a cache has each of those once, whatever images have it."""
    cache = tmp_path / "cache"
    morning, evening = (nix.build(f"examples.{name}") for name in ("morning", "evening"))
    push(nix, cache, str(morning))
    before = size(cache)
    push(nix, cache, str(evening))
    assert size(cache) - before < 20_000 < before


def push(nix: Nix, cache, path: str) -> None:
    nix("nix", "copy", "--no-check-sigs", "--to", f"file://{cache}?compression=none", path)


def size(cache) -> int:
    return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
