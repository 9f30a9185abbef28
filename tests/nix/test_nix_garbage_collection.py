"""What garbage collection keeps of an image: all that it is made from again, and for an archive nothing else."""

from pathlib import Path

import pytest

from run_nix import PRELUDE, Nix

IMAGE = 'mkImage {{ name = "kept"; blob = {blob}; config.Cmd = [ "${{pkgs.busybox}}/bin/echo" "hello" ]; }}'


def collected(nix: Nix, root: Path, expression: str) -> list[str]:
    """Build EXPRESSION with the garbage collector's root ROOT, collect, and return the store paths that it refers to."""
    built = nix("nix-build", "--out-link", root, "-E", PRELUDE + expression).stdout.strip()
    nix("nix-store", "--gc")
    return nix("nix-store", "--query", "--requisites", built).stdout.split()


def busyboxes(nix: Nix) -> list[Path]:
    """The packages of busybox in the store."""
    return [path for path in (nix.store / "nix/store").glob("*-busybox") if path.is_dir()]


def test_an_image_of_recipes_keeps_what_it_is_made_from(other_store, tmp_path):
    image = IMAGE.format(blob="false")
    paths = collected(other_store, tmp_path / "image", image)
    assert busyboxes(other_store) and all(other_store.real(path).exists() for path in paths)
    assert {other_store.real(path) for path in paths} >= set(busyboxes(other_store))
    assert "valid" in other_store.build(f"verifyImage {{ image = {image}; }}").read_text()


def test_an_image_of_blobs_keeps_them(other_store, tmp_path):
    image = IMAGE.format(blob="true")
    paths = collected(other_store, tmp_path / "image", image)
    assert any(path.endswith("-store-layers") for path in paths)
    assert all(other_store.real(path).exists() for path in paths)
    assert "valid" in other_store.build(f"verifyImage {{ image = {image}; }}").read_text()


@pytest.mark.parametrize("form", ["dockerArchive", "facts"])
def test_archives_and_facts_keep_nothing_but_themselves(other_store, tmp_path, form):
    paths = collected(other_store, tmp_path / "root", f"({IMAGE.format(blob='false')}).{form}")
    assert len(paths) == 1 and other_store.real(paths[0]).exists()
    assert not busyboxes(other_store)
