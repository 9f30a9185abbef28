"""``blob = false``, one word for mkLayer, mkLayers and mkImage: the same image, of which the store has almost nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

CLOSURE = "closure = [ pkgs.python3 ]"
IMAGES = {
    "mkLayer": f'mkImage {{ name = "x"; layers = [ (mkLayer {{ {CLOSURE}; blob = BLOB; }}) ]; }}',
    "mkLayers": f'mkImage {{ name = "x"; layers = [ (mkLayers {{ plan = planLayers {{ {CLOSURE}; }}; blob = BLOB; }}) ]; }}',
    "copyToRoot": 'mkImage { name = "x"; copyToRoot = pkgs.python3; blob = BLOB; }',
    "mkImage": 'mkImage { name = "x"; config.Cmd = [ "${pkgs.python3}/bin/python3" ]; blob = BLOB; }',
}


def added_bytes(image: Path) -> int:
    """The bytes of the image directory, and of the blobs and layer directories that it links to."""
    links = [path for path in image.rglob("*") if path.is_symlink()]
    targets = {Path(os.path.realpath(path)) for path in links}
    files = [file for target in targets for file in ([target] if target.is_file() else target.iterdir())]
    return sum(path.lstat().st_size for path in (*files, *image.rglob("*")))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_of_recipes_is_the_same_and_small(nix, builder, name):
    with_blobs, of_recipes = [nix.build(IMAGES[name].replace("BLOB", blob)) for blob in ("true", "false")]
    assert (with_blobs / "index.json").read_bytes() == (of_recipes / "index.json").read_bytes()
    listed = [json.loads(builder("list-layers", "--json", image).stdout) for image in (with_blobs, of_recipes)]
    assert [layer["digest"] for layer in listed[0]] == [layer["digest"] for layer in listed[1]]
    assert builder("verify-image", of_recipes).returncode == 0
    closure = nix("nix-store", "--query", "--requisites", nix.build("pkgs.python3")).stdout.split()
    assert added_bytes(of_recipes) < 100_000 + 250 * len(closure)
    assert added_bytes(with_blobs) > 10_000_000


def test_a_container_of_copies(nix):
    image = """mkImage { name = "x"; copyToRoot = pkgs.busybox; blob = false; config.Cmd = [ "/bin/echo" "good morning" ]; }"""
    assert nix("nix-store", "--query", "--references", nix.build(image)).stdout.count("busybox") == 0
    program = nix.build(f"({image}).run")
    assert subprocess.run([program], capture_output=True, text=True).stdout == "good morning\n"
    layers = nix("nix-store", "--query", "--requisites", nix.build(image)).stdout
    assert "-busybox\n" in layers
