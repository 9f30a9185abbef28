"""pack-image --layer-compressor: the same layers, compressed in another way."""

import json
import resource
import subprocess
import sys
import tarfile

import pytest

from checkout import ROOT
from engines.skopeo import NEEDS, Skopeo
from error_line import error_line
from file_trees import DIRECTORY, tar, write_tar
from image_files import config, index, manifest
from image_forms import Image, docker_v1, nixpkgs, oci_layout, zstandard
from image_maker import ImageMaker
from layer_files import layer_json, store_path

FORMS = ("docker-archive", "dir", "oci", "oci-archive")
SIZES = "layers: {} before, {} after ({} %), {} recompressed\n"


@pytest.fixture
def maker(builder, tmp_path) -> ImageMaker:
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def layers(maker):
    """The layer directories of a plain, a gzip and a zstd layer."""
    files = {"etc": DIRECTORY, "etc/plain": b"plain " * 1000}
    return (
        maker.layer("plain", files),
        maker.layer("gzip", {"gzip": b"gzip " * 1000}, "--compressor", "gzip"),
        maker.layer("zstd", {"zstd": b"zstd " * 1000}, "--compressor", "zstd"),
    )


@pytest.fixture
def image(maker, layers):
    """The image directory of hello:latest, whose layers are those and the first once more."""
    plain, *others = layers
    return maker.image("hello", {"Cmd": ["/bin/x"]}, plain, *others, plain)


def compressions(maker, image) -> list[str]:
    """How each layer is stored, by its media type."""
    tar_type = "application/vnd.oci.image.layer.v1.tar"
    return [layer["mediaType"].removeprefix(tar_type).lstrip("+") or "none" for layer in maker.layers(image)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["none", "gzip", "zstd"])
def test_all_layers_are_compressed_this_way(maker, image, form, name):
    packed = maker.build("packed", "pack-image", image, "--format", form, "--layer-compressor", name)
    assert compressions(maker, packed) == [name] * 4
    assert maker.diff_ids(packed) == maker.diff_ids(image)
    assert ": valid (4 layers, " in maker.run("verify-image", packed)


def test_a_layer_that_is_compressed_this_way_stays(maker, image, layers):
    packed = maker.build("packed", "pack-image", image, "--format", "oci", "--layer-compressor", "gzip")
    assert manifest(packed)["layers"][1] == layer_json(layers[1])["descriptor"]
    assert config(packed) == config(image)


def test_an_oci_archive_compresses_plain_layers_with_gzip(maker, image, layers):
    packed = maker.build("packed", "pack-image", image, "--format", "oci-archive")
    assert compressions(maker, packed) == ["gzip", "gzip", "zstd", "gzip"]
    digests = [layer["digest"] for layer in maker.layers(packed)]
    assert digests[1:3] == [layer_json(layer)["descriptor"]["digest"] for layer in layers[1:]]


@pytest.mark.parametrize("form", ("docker-archive", "dir", "oci"))
def test_other_forms_keep_the_layers(maker, image, form):
    assert compressions(maker, maker.build("packed", "pack-image", image, "--format", form)) == [
        *("none", "gzip", "zstd", "none"),
    ]


def test_keep_keeps_the_digest_of_the_image(maker, image):
    packed = maker.build("packed", "pack-image", image, "--format", "oci-archive", "--layer-compressor", "keep")
    with tarfile.open(packed) as file:
        assert json.loads(file.extractfile("index.json").read()) == index(image)


def test_the_manifest_keeps_annotations(maker, layers):
    made = maker.build("i", "mk-image", "--name", "x", "--layer", layers[0], "--annotation", "org.x=y")
    packed = maker.build("packed", "pack-image", made, "--format", "oci", "--layer-compressor", "zstd")
    assert manifest(packed)["annotations"] == {"org.x": "y"}


@pytest.mark.parametrize("given", (docker_v1, nixpkgs, lambda image: oci_layout(image, zstandard)))
def test_takes_any_form(maker, given):
    content = Image((tar({"a": b"1"}), tar({"b": b"2"})), {})
    source = write_tar(str(maker.directory / "given"), given(content))
    packed = maker.build("packed", "pack-image", source, "--format", "oci", "--layer-compressor", "gzip")
    assert (maker.diff_ids(packed), compressions(maker, packed)) == (content.diff_ids, ["gzip"] * 2)


def test_a_layer_without_a_blob_is_built_on_the_way(maker, monkeypatch):
    store = maker.directory / "nix/store"
    monkeypatch.setenv("NIX_STORE", str(store))
    path = store_path(store, "tool", "a tool\n" * 100_000)
    archives = []
    for name, options in (("kept", ()), ("recipe", ("--no-blob",))):
        layer = maker.build(f"{name}.layer", "mk-layer", "--store-path", path, *options)
        made = maker.build(f"{name}.image", "mk-image", "--name", "x", "--layer", layer)
        archives.append(maker.build(f"{name}.tar", "pack-image", made, "--format", "oci-archive"))
    assert archives[0].read_bytes() == archives[1].read_bytes()
    assert compressions(maker, archives[1]) == ["gzip"]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_the_bytes_do_not_depend_on_the_number_of_cores(maker, monkeypatch, name):
    numbers = " ".join(map(str, range(300_000))).encode()  # 2 MB, several blocks
    made = maker.image("numbers", {}, *(maker.layer(f"l{n}", {f"f{n}": numbers}) for n in range(3)))
    archives = []
    for cores in ("1", "5"):
        monkeypatch.setenv("NIX_BUILD_CORES", cores)
        packed = maker.build(cores, "pack-image", made, "--format", "oci-archive", "--layer-compressor", name)
        archives.append(packed.read_bytes())
    assert archives[0] == archives[1]


# What it says.


def test_says_the_sizes(maker, image):
    out = maker.directory / "packed"
    said = maker.run("pack-image", image, "--format", "oci", "--layer-compressor", "gzip", "--out", out)
    before, after = (sum({layer["digest"]: layer["size"] for layer in maker.layers(i)}.values()) for i in (image, out))
    sizes = [f"{before / 1024:.1f} KiB", f"{after} B", f"{100 * after / before:.0f}", 2]
    assert said == SIZES.format(*sizes)


def test_says_them_on_standard_error_if_standard_output_has_the_archive(builder, maker, image):
    argv = ("pack-image", image, "--format", "oci-archive")
    said = maker.run(*argv, "--out", maker.directory / "packed")
    done = builder(*argv, "--out", "-", text=False)
    assert (done.returncode, done.stderr.decode()) == (0, f"pack-image: {said}")
    assert done.stdout == (maker.directory / "packed").read_bytes()


def test_says_nothing_if_all_layers_stay(maker, layers):
    made = maker.image("gz", {}, layers[1])
    assert maker.run("pack-image", made, "--format", "oci-archive", "--out", maker.directory / "packed") == ""


# What it refuses.


@pytest.mark.parametrize(
    "options, status, why",
    [
        (
            ("docker-legacy-archive", "--layer-compressor", "gzip"),
            2,
            "cannot compress layers: layers of docker-legacy-archive are uncompressed; choose another form, or compress "
            "the archive",
        ),
        (
            ("oci", "--all", "--layer-compressor", "gzip"),
            2,
            "cannot pack all: --all writes everything unchanged; leave out --image, --platform, --tag, --from and "
            "--layer-compressor",
        ),
        (
            ("facts", "--layer-compressor", "gzip"),
            2,
            "cannot compress layers: facts have recipes in place of layers; push-image and the other forms compress",
        ),
        (
            ("oci", "--layer-compressor", "no-such-program"),
            2,
            "unknown compressor: expected none, gzip, zstd or a command on $PATH (no-such-program)",
        ),
        (
            ("oci-archive", "--layer-compressor", "xz"),
            1,
            "bad compressor: expected output in gzip or zstd format, found neither (xz)",
        ),
    ],
)
def test_refuses(maker, image, options, status, why):
    assert maker.refused("pack-image", image, "--format", *options, status=status).startswith(why)


def test_a_damaged_layer_is_refused(maker, image, layers):
    copy = maker.build("copy", "pack-image", image, "--format", "oci")
    blob = copy / "blobs" / layer_json(layers[0])["diffID"].replace(":", "/")
    data = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(data.replace(b"plain plain", b"plain  lain", 1))
    line = maker.refused("pack-image", copy, "--format", "oci-archive")
    assert line.startswith("bad layer: its d")


def test_a_full_temporary_directory_is_named(maker, image, tmp_path):
    argv = [sys.executable, "-I", "-B", ROOT / "builders/pack-image", image, "--format", "oci-archive", "--out", "-"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))  # bytes

    environment = {"PATH": "/usr/bin", "TMPDIR": str(tmp_path)}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, preexec_fn=limit)
    why = "File too large; set TMPDIR to a directory with more room"
    assert error_line(done, "pack-image") == f"cannot write a temporary file: {why} ({tmp_path})"


def test_skopeo_reads_it(maker, image, need, scratch):
    need(*NEEDS)
    packed = maker.build("packed", "pack-image", image, "--format", "oci-archive", "--layer-compressor", "gzip")
    skopeo = Skopeo(scratch)
    skopeo.copy(f"oci-archive:{packed}:latest", f"dir:{scratch}/copy")
    assert maker.diff_ids(f"{scratch}/copy") == maker.diff_ids(image)
