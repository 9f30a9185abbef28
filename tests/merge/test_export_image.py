"""builders/export-image: an image's merged tree as one tar, and as a directory."""

import io
import os
import subprocess
import tarfile

import pytest

from file_trees import DIRECTORY, Link
from image_maker import ImageMaker

LOWER = {
    "bin": DIRECTORY,
    "bin/tool": b"old",
    "etc": DIRECTORY,
    "etc/kept": b"kept\n",
    "etc/gone": b"gone\n",
    "link": Link("etc/kept"),
    "var": DIRECTORY,
    "var/hidden": b"hidden\n",
}
UPPER = {"bin": DIRECTORY, "bin/tool": b"new tool", "new": b"", "var": DIRECTORY, "var/seen": b"seen\n"}
FILES = {"./bin/tool": b"new tool", "./etc/kept": b"kept\n", "./new": b"", "./var/seen": b"seen\n"}


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    return ImageMaker(builder, tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module", params=["none", "gzip", "zstd"])
def image(request, maker, need):
    """An image of two layers, of which the upper one replaces, deletes and adds; by its layers' compression."""
    need("zstd")
    name = request.param
    compressed = ("--compressor", name)
    upper = maker.layer(f"upper-{name}", UPPER, "--remove", "etc/gone", "--remove", "var/hidden", *compressed)
    return maker.image(name, {}, maker.layer(f"lower-{name}", LOWER, *compressed), upper)


def exported(builder, image, *options) -> tarfile.TarFile:
    done = builder("export-image", image, *options, "--out", "-", text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return tarfile.open(fileobj=io.BytesIO(done.stdout))


def test_the_tar_has_what_a_container_sees(builder, image):
    with exported(builder, image) as tar:
        assert {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()} == FILES
        names = tar.getnames()
        assert names == sorted(names) and names[0] == "." and "./etc/gone" not in names
        assert tar.getmember("./link").linkname == "etc/kept"
        assert not [name for name in names if ".wh." in name]


def test_archives_of_any_form(builder, maker, image):
    expected = builder("export-image", image, "--out", "-", text=False).stdout
    for form in ("docker-archive", "docker-legacy-archive", "oci"):
        packed = maker.packed(image, form)
        assert builder("export-image", packed, "--out", "-", text=False).stdout == expected


def test_owners_modes_and_xattrs(builder, maker, tmp_path):
    rules = tmp_path / "perms.json"
    rules.write_text('[{"path": "etc/kept", "uid": 7, "gid": 8, "mode": "4711", "capabilities": "cap_net_raw+ep"}]')
    image = maker.image("owned", {}, maker.layer("owned", LOWER, "--perms", str(rules)))
    with exported(builder, image) as tar:
        entry = tar.getmember("./etc/kept")
        assert (entry.uid, entry.gid, entry.mode) == (7, 8, 0o4711)
        assert "SCHILY.xattr.security.capability" in entry.pax_headers


def test_names_of_one_file_stay_hard_links(builder, tmp_path, maker):
    (tmp_path / "a").write_text("twice\n")
    os.link(tmp_path / "a", tmp_path / "b")
    layer = maker.build("linked.layer", "mk-layer", "--copy", tmp_path)
    image = maker.image("linked", {}, layer)
    with exported(builder, image) as tar:
        kinds = sorted((entry.name, entry.type) for entry in tar if not entry.isdir())
        contents = [tar.extractfile(name).read() for name in ("./a", "./b")]
    assert contents == [b"twice\n"] * 2
    assert [name for name, _ in kinds] == ["./a", "./b"]


def test_a_directory(builder, image, tmp_path):
    out = tmp_path / "tree"
    done = builder("export-image", image, "--format", "directory", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    found = {
        f"./{path.relative_to(out)}": path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert found == FILES
    assert os.readlink(out / "link") == "etc/kept"


def test_gnu_tar_reads_it(builder, image, need):
    need("tar")
    data = builder("export-image", image, "--out", "-", text=False).stdout
    listed = subprocess.run(["tar", "-t"], input=data, capture_output=True, check=True)
    assert b"./bin/tool\n" in listed.stdout and listed.stderr == b""


def test_a_damaged_layer_is_refused(builder, maker, tmp_path):
    image = maker.image("damaged", {}, maker.layer("damaged", LOWER))
    packed = tmp_path / "damaged.tar"
    data = maker.packed(image, "docker-archive").read_bytes()
    packed.write_bytes(data.replace(b"hidden\n", b"HIDDEN\n"))
    done = builder("export-image", packed, "--out", tmp_path / "out.tar")
    assert done.returncode == 1 and done.stderr.startswith("export-image: error: bad layer: ")
    assert not (tmp_path / "out.tar").exists()


def test_a_directory_cannot_be_written_to_a_pipe(builder, image):
    done = builder("export-image", image, "--format", "directory", "--out", "-")
    assert done.returncode == 2
    assert done.stderr == "export-image: error: cannot write the output: only a tar can be written to standard output\n"
