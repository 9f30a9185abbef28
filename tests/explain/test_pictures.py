"""--format svg of explain-image and diff-image."""

from xml.etree import ElementTree

import pytest

from file_trees import DIRECTORY, tar, write_tar
from image_forms import Image, docker_oci

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "\x1b<&>\udcff"


def store_layer(*paths: tuple[str, bytes]) -> bytes:
    """A tar with these store paths, each with the file f of that content."""
    members = {"nix": DIRECTORY, "nix/store": DIRECTORY}
    for path, content in paths:
        name = path.lstrip("/")
        members |= {name: DIRECTORY, f"{name}/f": content}
    return tar(members)


LIB, APP = f"/nix/store/{'1' * 32}-lib-1", f"/nix/store/{'2' * 32}-app-1"
LIB2, APP2 = f"/nix/store/{'3' * 32}-lib-2", f"/nix/store/{'4' * 32}-app-1"
OTHER = f"/nix/store/{'5' * 32}-other-1"
BESIDE = f"/nix/store/{'6' * 32}-beside-1"


@pytest.fixture
def images(tmp_path):
    """Two images, the second an update of the first."""
    both = (
        Image(
            (
                store_layer((OTHER, b"o" * 5000)),
                store_layer((LIB, b"l" * 3000), (BESIDE, b"b" * 900)),
                store_layer((APP, LIB.encode())),
            )
        ),
        Image(
            (
                store_layer((OTHER, b"o" * 5000)),
                store_layer((LIB2, b"l" * 3000), (BESIDE, b"b" * 900)),
                store_layer((APP2, LIB2.encode())),
                tar({EVIL: b"x" * 4000}),
            )
        ),
    )
    return [write_tar(str(tmp_path / f"{number}.tar"), docker_oci(image)) for number, image in enumerate(both)]


def classes(builder, *argv) -> dict[str, str]:
    """The class of each rectangle that has a title, by the first word of the title."""
    done = builder(*argv, "--format", "svg")
    assert (done.returncode, done.stderr) == (0, "")
    rectangles = ElementTree.fromstring(done.stdout).iter(f"{SVG}rect")
    return {r.findtext(f"{SVG}title").split(",")[0]: r.get("class") for r in rectangles if r.findtext(f"{SVG}title")}


def test_explanation(builder, images):
    found = classes(builder, "explain-image", images[0])
    assert set(found) == {f"layer {number}" for number in range(3)} | {path[11:] for path in (OTHER, LIB, APP, BESIDE)}
    # Of four store paths, one update changes each alone; the app changes with the library as well.
    assert found[OTHER[11:]] == found[LIB[11:]] == "half e" and found[APP[11:]] == "half e"
    # The layer changes with either path in it.
    assert (found["layer 0"], found["layer 1"]) == ("half", "half")


def test_difference(builder, images):
    found = classes(builder, "diff-image", *images)
    assert found[OTHER[11:]] == "same e"
    assert (found[LIB[11:]], found[APP[11:]]) == ("gone e", "gone e")
    assert (found[LIB2[11:]], found[APP2[11:]]) == ("cause e", "new e")
    assert found[BESIDE[11:]] == "along e"
    assert found["files outside the store: 1"] == "new e"


@pytest.mark.parametrize("argv", [["explain-image", "--why", "lib"], ["explain-image", "--files"]])
def test_no_picture_of_a_part(builder, images, argv):
    done = builder(argv[0], images[0], *argv[1:], "--format", "svg")
    assert (done.returncode, done.stdout) == (2, "") and "error: no picture: " in done.stderr
