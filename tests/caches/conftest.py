"""Images whose store paths are not on this machine any more, and caches that have them."""

from pathlib import Path

import pytest

from facts_maker import FactsMaker


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    """The store directory of this test, as $NIX_STORE names it."""
    store = tmp_path / "nix/store"
    store.mkdir(parents=True)
    monkeypatch.setenv("NIX_STORE", str(store))
    return store


@pytest.fixture
def maker(builder, store, tmp_path) -> FactsMaker:
    """Makes store paths, images and caches of them."""
    return FactsMaker(builder, store, tmp_path)
