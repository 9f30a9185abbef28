"""verify-image: the user and the group that an image runs as exist in it, as a container sees its files."""

import pytest

import file_trees
import image_forms
from engines.program import EngineError
from file_trees import DIRECTORY, HardLink, Link
from image_maker import ImageMaker
from laminix.verify.image import verify

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:\n"
ETC = {"etc": DIRECTORY, "etc/group": GROUP, "etc/passwd": PASSWD}

FOUND = {
    "in the only layer": [ETC],
    "below others": [ETC, {"other": b""}],
    "after its deletion": [ETC, {"etc/.wh.passwd": b""}, ETC],
    "in an opaque directory": [{"etc/passwd": b"x:::"}, {"etc/.wh..wh..opq": b"", **ETC}],
    "behind a link": [{"etc/passwd": Link("../nix/store/p"), "etc/group": GROUP}, {"nix/store/p": PASSWD}],
    "behind a linked directory": [{"usr/etc/passwd": PASSWD, "usr/etc/group": GROUP, "etc": Link("/usr/etc")}],
    "as a hard link": [{"etc/group": GROUP, "etc/p": PASSWD, "etc/passwd": HardLink("etc/p")}],
}
LOST = {
    "nowhere": [{"other": b""}],
    "in another's file": [{"etc/passwd": b"bob:::\n"}],
    "below a whiteout": [ETC, {"etc/.wh.passwd": b""}],
    "below a whiteout of its directory": [ETC, {".wh.etc": b""}],
    "below an opaque directory": [ETC, {"etc": DIRECTORY, "etc/.wh..wh..opq": b""}],
    "below a file": [ETC, {"etc": b"no directory"}],
    "below another passwd": [ETC, {"etc/passwd": b"bob:::\n"}],
    "behind links in a circle": [{"etc/passwd": Link("q"), "etc/q": Link("passwd")}],
}


def problems(tmp_path, user, layers):
    """What is wrong with an image of LAYERS that runs as USER."""
    image = image_forms.Image(layers=tuple(file_trees.tar(layer) for layer in layers), runtime={"User": user})
    path = file_trees.write_tar(tmp_path / "image.tar", image_forms.oci_layout(image, image_forms.plain))
    return [str(problem) for problem in verify(str(path))[1]]


@pytest.mark.parametrize("where", FOUND)
def test_a_user_that_the_image_has_is_sound(tmp_path, where):
    assert problems(tmp_path, "alice:staff", FOUND[where]) == []


@pytest.mark.parametrize("where", LOST)
def test_a_user_that_the_image_lacks_is_found(tmp_path, where):
    expected = "bad config: config.User: no user 'alice' in the image's /etc/passwd; add it, or give its number"
    assert problems(tmp_path, "alice", LOST[where]) == [expected]


def test_suggests_a_near_name_and_tells_of_the_group_too(tmp_path):
    assert problems(tmp_path, "alcie:stuff", [ETC]) == [
        "bad config: config.User: no user 'alcie' in the image's /etc/passwd: did you mean 'alice'?",
        "bad config: config.User: no group 'stuff' in the image's /etc/group: did you mean 'staff'?",
    ]


@pytest.mark.parametrize("user", ["", "0", "1000:1000", "4000000"])
def test_a_number_needs_no_entry(tmp_path, user):
    assert problems(tmp_path, user, [{"other": b""}]) == []


def test_engines_refuse_a_user_without_an_entry(builder, tmp_path, need, engine):
    """Why the check is there; root is no exception."""
    need("busybox")
    maker = ImageMaker(builder, tmp_path)
    layer = maker.layer("layer", file_trees.busybox())
    archives = {}
    for user in ("0", "root"):
        image = maker.image(f"user-{user}", {"User": user}, layer)
        archives[user] = str(maker.packed(image, "docker-archive"))
    assert engine.run(engine.load(archives["0"]), "/bin/busybox", "echo", "hello").out == "hello\n"
    with pytest.raises((EngineError, AssertionError), match="(?i)user|passwd"):
        ran = engine.run(engine.load(archives["root"]), "/bin/busybox", "echo", "hello")
        assert ran.status == 0, ran.err
