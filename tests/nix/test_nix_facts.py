"""The facts of an image that Nix built, with a binary cache, deliver the image where its store paths are not."""

import json
import os

import pytest

from run_nix import PRELUDE

# A store path that no other test makes, so that it is in no other store.
IMAGE = """
mkImage {{
  name = "far";
  blob = {blob};
  config.Env = [ "NOTE=${{builtins.toFile "note" "{note}"}}" ];
  files."etc/motd".text = "no recipe";
}}
"""


def facts_and_archive(nix, expression):
    """The store paths of the image, of its facts and of its archive, and the two on disk."""
    outputs = f"let image = {expression}; in [ image image.facts image.dockerArchive ]"
    paths = nix("nix-build", "--no-out-link", "-E", PRELUDE + outputs).stdout.split()
    return paths, nix.real(paths[1]), nix.real(paths[2])


@pytest.mark.parametrize("blob", ["false", "true"])
def test_facts_and_a_cache_are_the_image(other_store, builder, tmp_path, blob):
    expression = IMAGE.format(blob=blob, note=tmp_path)
    (image, facts, _), on_disk, archive = facts_and_archive(other_store, expression)
    [note] = [path for path in recipe_paths(on_disk) if path.endswith("-note")]
    assert not os.path.exists(note)
    packed = tmp_path / "packed.tar"
    argv = ("pack-image", on_disk, "--format", "docker-archive", "--out", packed)
    assert builder(*argv).returncode == 1 and not packed.exists()
    for compression in ("xz", "zstd", "bzip2", "gzip", "none"):
        cache = f"file://{tmp_path}/{compression}"
        other_store("nix", "copy", "--to", f"{cache}?compression={compression}", note)
        builder(*argv, "--from", cache, check=True)
        assert packed.read_bytes() == archive.read_bytes()
        packed.unlink()


def recipe_paths(image):
    """The store paths in the recipes of IMAGE."""
    documents = [json.loads(path.read_bytes()) for path in (image / "layers/sha256").glob("*/layer.json")]
    return [path for document in documents for path in document["recipe"]["storePaths"]]


def test_facts_are_kilobytes_without_references(other_store, tmp_path):
    expression = IMAGE.format(blob="false", note=tmp_path)
    (image, facts, _), on_disk, _ = facts_and_archive(other_store, expression)
    assert other_store("nix-store", "--query", "--references", facts).stdout == ""
    assert sum(path.stat().st_size for path in on_disk.rglob("*") if path.is_file()) < 10_000
    assert not [path for path in on_disk.rglob("*") if path.is_symlink()]


def test_substituting_facts_fetches_nothing_else(other_store, tmp_path):
    (image, facts, _), _, _ = facts_and_archive(other_store, IMAGE.format(blob="false", note=tmp_path))
    other_store("nix", "copy", "--to", f"file://{tmp_path}/cache", facts)
    assert [path.name for path in (tmp_path / "cache").glob("*.narinfo")] == [f"{facts[11:43]}.narinfo"]
