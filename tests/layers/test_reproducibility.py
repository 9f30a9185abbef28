"""The same inputs give the same bytes, whoever packs them, where and how.

The reference is packed once; each test changes one thing about the surroundings or the tree.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import ROOT
from layer_files import LayerMaker, layer_json, store_path

SCRIPT = ROOT / "builders/mk-layer"
HASH = "0" * 32
NAMES = ["a", "B", "ä", "b.d", "b-", "b/sub/deep", "c" * 120, os.fsdecode(b"\xff")]

pytestmark = pytest.mark.usefixtures("reference")


def write_tree(root: Path, names: list[str] = NAMES) -> Path:
    """A tree, its members made in the order of NAMES."""
    root.mkdir()
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(name) * 10000)
        path.chmod(0o644)
    (root / "link").symlink_to("a")
    (root / "same").write_bytes(b"a" * 10000)
    for directory in (root, root / "b", root / "b/sub"):
        directory.chmod(0o755)
    return root


@pytest.fixture
def maker(builder, tmp_path) -> LayerMaker:
    return LayerMaker(builder, tmp_path / "layers")


def digests(layer: Path) -> tuple[str, str]:
    """Of the tar and of the blob."""
    said = layer_json(layer)
    blob = hashlib.sha256((layer / said["blob"]).read_bytes()).hexdigest()
    assert said["descriptor"]["digest"] == f"sha256:{blob}"
    return said["diffID"], said["descriptor"]["digest"]


@pytest.fixture(scope="module")
def reference(builder, tmp_path_factory) -> tuple[str, str]:
    """The digests of the tree, packed in plain surroundings."""
    directory = tmp_path_factory.mktemp("reference")
    maker = LayerMaker(builder, directory / "layers")
    return digests(maker.make("--copy", write_tree(directory / "t"), "--compressor", "gzip"))


@pytest.mark.parametrize(
    "change",
    [
        {"TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C.UTF-8"},
        {"LC_ALL": "tr_TR.ISO-8859-9"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2"},
        {"NIX_BUILD_CORES": "1"},
        {"NIX_BUILD_CORES": "2"},
        {"NIX_BUILD_CORES": "7"},
        {"SOURCE_DATE_EPOCH": "12345"},
        {"HOME": "/none", "TMPDIR": "/none", "USER": "nobody"},
    ],
    ids=lambda change: "-".join(f"{key}={value}" for key, value in change.items()),
)
def test_under_any_environment(reference, maker, tmp_path, change):
    root = write_tree(tmp_path / "t")
    # Without -I, or PYTHONHASHSEED would not count.
    argv = [sys.executable, "-B", SCRIPT, "--copy", root, "--compressor", "gzip", "--out", tmp_path / "out"]
    subprocess.run(argv, env=os.environ | change, check=True)
    assert digests(tmp_path / "out") == reference


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_under_any_umask(reference, maker, tmp_path, umask):
    root = write_tree(tmp_path / "t")
    assert digests(maker.make("--copy", root, "--compressor", "gzip", umask=umask)) == reference


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)], ids=["up", "down"])
def test_whatever_was_made_first(reference, maker, tmp_path, order):
    root = write_tree(tmp_path / "t", order(NAMES))
    assert digests(maker.make("--copy", root, "--compressor", "gzip")) == reference


def test_whatever_the_times(reference, maker, tmp_path):
    root = write_tree(tmp_path / "t")
    for number, path in enumerate([root, *root.rglob("*")]):
        os.utime(path, (number * 1e8, number * 1e8), follow_symlinks=False)
    assert digests(maker.make("--copy", root, "--compressor", "gzip")) == reference


def test_hard_links_are_files(reference, maker, tmp_path):
    root = write_tree(tmp_path / "t")
    (root / "same").unlink()
    os.link(root / "a", root / "same")
    assert (root / "a").stat().st_nlink == 2
    assert digests(maker.make("--copy", root, "--compressor", "gzip")) == reference


def test_on_another_file_system(need, reference, tmp_path):
    need("unshare", "mount", "cp", root=True)
    write_tree(tmp_path / "t")
    (tmp_path / "tmpfs").mkdir()
    script = 'mount -t tmpfs none tmpfs && cp -a t tmpfs/t && exec "$@"'
    argv = [sys.executable, "-I", "-B", SCRIPT, "--copy", "tmpfs/t", "--compressor", "gzip", "--out", "out"]
    subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *argv], cwd=tmp_path, check=True)
    assert digests(tmp_path / "out") == reference


def test_for_another_user(need, reference, tmp_path):
    need("unshare")
    write_tree(tmp_path / "t")
    # A user namespace of one id: everything on disk seems to be somebody else's.
    argv = ["unshare", "--map-user=1234", sys.executable, "-I", "-B", SCRIPT, "--copy", "t"]
    done = subprocess.run([*argv, "--compressor", "gzip", "--out", "out"], cwd=tmp_path, capture_output=True)
    if b"unshare failed" in done.stderr:
        pytest.skip("no user namespaces here")
    assert (done.returncode, done.stderr) == (0, b"")
    assert digests(tmp_path / "out") == reference


def test_whoever_owns_the_files(need, reference, maker, tmp_path):
    need(root=True)
    root = write_tree(tmp_path / "t")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 1000, 2000, follow_symlinks=False)
    assert digests(maker.make("--copy", root, "--compressor", "gzip")) == reference


def test_xattrs_on_disk_do_not_count(reference, maker, tmp_path):
    root = write_tree(tmp_path / "t")
    try:
        os.setxattr(root / "a", "user.note", b"x")
    except OSError:
        pytest.skip("no xattrs on this file system")
    assert digests(maker.make("--copy", root, "--compressor", "gzip")) == reference


def pythons() -> list[str]:
    """Every Python of 3.11 or later on PATH, each once."""
    names = ["python3", *(f"python3.{minor}" for minor in range(11, 20))]
    directories = os.environ["PATH"].split(":")
    found = {}
    for path in (f"{directory}/{name}" for directory in directories for name in names):
        if os.access(path, os.X_OK) and (said := version_of(path)):
            found.setdefault(said, path)
    return sorted(found.values())


def version_of(python: str) -> str | None:
    """The version and the place of an interpreter; None where it is too old or does not run."""
    script = "import sys; sys.version_info >= (3, 11) and print(sys.version, sys.base_prefix)"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def test_in_every_python(reference, tmp_path):
    interpreters = pythons()
    if len(interpreters) < 2:
        pytest.skip("only one Python of 3.11 or later on PATH")
    root = write_tree(tmp_path / "t")
    for index, python in enumerate(interpreters):
        out = tmp_path / str(index)
        subprocess.run([python, "-I", "-B", SCRIPT, "--copy", root, "--compressor", "gzip", "--out", out], check=True)
        # The bytes of a gzip are the same for one version of zlib, which layer.json names.
        assert digests(out)[0] == reference[0]


@pytest.mark.parametrize("change", ["modes", "links", "order"])
def test_store_paths_whatever_the_store_made_of_them(maker, tmp_path, change):
    first, second = (tmp_path / name / "nix/store" for name in ("one", "two"))
    path = store_path(first, "tool")
    (path / "bin/more").write_bytes(b"I am tool\n")
    (path / "bin/more").chmod(0o755)
    shutil.copytree(path, second / path.name)
    CHANGES[change](second / path.name)
    # Both in one place, one after the other, since their names are in the tar.
    place = tmp_path / "nix/store" / path.name
    found = set()
    for store in (first, second):
        shutil.copytree(store, place.parent, dirs_exist_ok=False, copy_function=link_or_copy)
        found.add(digests(maker.make("--store-path", place)))
        shutil.rmtree(place.parent)
    assert len(found) == 1


def link_or_copy(source: str, destination: str) -> None:
    """Keep hard links: two names of one file remain that."""
    os.link(source, destination)


def loosen(path: Path) -> None:
    """Modes as on a disk that lost Nix's: writable, executable for the owner alone."""
    path.chmod(0o700)
    (path / "bin/tool").chmod(0o744)
    (path / "bin/more").chmod(0o4711)


def optimise(path: Path) -> None:
    """What auto-optimise-store does to equal files."""
    (path / "bin/more").unlink()
    os.link(path / "bin/tool", path / "bin/more")


def remake(path: Path) -> None:
    """The same files, made in another order."""
    (path / "bin/more").rename(path / "more")
    (path / "bin/tool").rename(path / "tool")
    for name in ("tool", "more"):
        (path / name).rename(path / "bin" / name)


CHANGES: dict[str, Callable[[Path], None]] = {"modes": loosen, "links": optimise, "order": remake}
