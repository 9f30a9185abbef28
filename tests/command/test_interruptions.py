"""Kills, full disks, closed pipes, rivals and failing reads: nothing torn is left, and nothing false is read.

$LAMINIX_KILLS is the number of kills (default 12); a thousand take some minutes.
"""

import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from checkout import ROOT
from default_signals import restore_default_signals
from disputed_documents import LAYER, archive, hybrid
from file_trees import write_directory
from laminix.errors import LaminixError
from laminix.forms import members, open_image
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks
from laminix.verify.image import verify

KILLS = int(os.environ.get("LAMINIX_KILLS", "12"))
PYTHON = (sys.executable, "-I", "-B")


def command(builder, *arguments):
    return [*PYTHON, str(ROOT / "builders" / builder), *map(str, arguments)]


def start(builder, *arguments):
    return subprocess.Popen(
        command(builder, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=restore_default_signals,
    )


@pytest.fixture
def tree(tmp_path):
    """A directory that takes a while to pack."""
    files = {f"directory/{number:04}": random.Random(number).randbytes(20_000) for number in range(300)}
    return write_directory(str(tmp_path / "tree"), files)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.tar"
    path.write_bytes(archive(hybrid("name")))
    return path


def is_whole(layer):
    """Whether the layer directory has the blob that its layer.json describes."""
    descriptor = json.loads((layer / "layer.json").read_bytes())["descriptor"]
    return (layer / "layer.tar.gz").stat().st_size == descriptor["size"]


def test_kills(builder, tmp_path, tree):
    (tmp_path / "out").mkdir()
    layer = tmp_path / "out/layer"
    options = ("--copy", tree, "--compressor", "gzip", "--out", layer)
    begun = time.monotonic()
    assert builder("mk-layer", *options).returncode == 0
    duration, rng, finished = time.monotonic() - begun, random.Random(1), 0
    for _ in range(KILLS):
        subprocess.run(["rm", "-r", "-f", layer], check=True)
        process = start("mk-layer", *options)
        time.sleep(rng.uniform(0, 1.2 * duration))
        process.kill()
        process.communicate()
        assert not layer.exists() or is_whole(layer)
        finished += layer.exists()
    assert finished < KILLS  # else nothing was interrupted
    subprocess.run(["rm", "-r", "-f", layer], check=True)
    assert builder("mk-layer", *options).returncode == 0
    assert os.listdir(tmp_path / "out") == ["layer"]


FULL_DISK = 'mount -t tmpfs -o size="$1" none "$2" || exit 9; cd "$2"; shift 2; "$@"; status=$?; ls -A; exit $status'


@pytest.mark.parametrize("kilobytes", [4, 8, 12, 16, 24, 40])
def test_a_full_disk(need, tmp_path, image, kilobytes):
    need("unshare", root=True)
    (tmp_path / "disk").mkdir()
    pack = command("pack-image", image, "--format", "docker-archive", "--out", "packed.tar")
    argv = ["unshare", "--mount", "sh", "-c", FULL_DISK, "sh", f"{kilobytes}k", tmp_path / "disk", *pack]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if kilobytes == 40:
        assert (done.returncode, done.stdout, done.stderr) == (0, "packed.tar\n", "")
    elif done.returncode:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("pack-image: error: cannot write") and done.stderr.count("\n") == 1
    else:
        assert done.stdout == "packed.tar\n" and kilobytes > 8


@pytest.mark.parametrize("arguments", [("list-layers",), ("pack-image", "--format", "docker-archive", "--out", "-")])
def test_a_closed_pipe(image, arguments):
    builder, *options = arguments
    process = start(builder, image, *options)
    process.stdout.close()
    _, said = process.communicate()
    assert (process.returncode, said) == (1, b"")


def test_two_runs_to_one_output(tmp_path, tree):
    (tmp_path / "out").mkdir()
    layer = tmp_path / "out/layer"
    rivals = [start("mk-layer", "--copy", tree, "--compressor", "gzip", "--out", layer) for _ in range(3)]
    ended = [rival.communicate()[1] for rival in rivals]
    assert sorted(rival.returncode for rival in rivals) == [0, 1, 1]
    assert sorted(said.count(b"\n") for said in ended) == [0, 1, 1]
    assert is_whole(layer) and os.listdir(tmp_path / "out") == ["layer"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_nothing(tmp_path, tree, number):
    (tmp_path / "out").mkdir()
    process = start("mk-layer", "--copy", tree, "--compressor", "gzip", "--out", tmp_path / "out/layer")
    while not os.listdir(tmp_path / "out"):
        time.sleep(0.001)
    process.send_signal(number)
    assert process.communicate()[1] in (b"mk-layer: error: interrupted\n", b"")
    assert os.listdir(tmp_path / "out") in ([], ["layer"])


class Reader(io.RawIOBase):
    """A file that gives few bytes at a time, and fails where it is told to."""

    def __init__(self, data, rng, fails_at=None):
        self._data, self._rng, self._at, self._fails_at = data, rng, 0, fails_at

    def readable(self):
        return True

    def readinto(self, buffer):
        if self._fails_at is not None and self._at >= self._fails_at:
            raise OSError(errno.EIO, "Input/output error")
        chunk = self._data[self._at : self._at + min(len(buffer), self._rng.choice((1, 5, 100)))]
        self._at += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


@pytest.fixture
def stored(image):
    """The layer of the image, and its blob."""
    [layer] = open_image(str(image)).layers
    with layer.open() as file:
        return layer, file.read()


@pytest.mark.parametrize("seed", range(5))
def test_short_reads(stored, seed):
    layer, blob = stored
    slow = replace(layer, open=lambda: Reader(blob, random.Random(seed)))
    assert b"".join(uncompressed_chunks(slow)) == LAYER
    assert b"".join(checked_chunks(slow, diff_id_too=True)) == blob


@pytest.mark.parametrize("chunks", [uncompressed_chunks, checked_chunks])
def test_failing_reads(stored, chunks):
    layer, blob = stored
    for fails_at in range(0, len(blob), 7):
        with pytest.raises(OSError):
            for _ in chunks(replace(layer, open=lambda: Reader(blob, random.Random(1), fails_at))):
                pass


def test_members_that_cannot_be_read(image, monkeypatch):
    """A disk fails at any read of an archive's members."""
    pread, left = os.pread, 0

    def failing(*arguments):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return pread(*arguments)

    monkeypatch.setattr(members.os, "pread", failing)
    for reads in range(1, 100):
        left = reads
        try:
            _, problems = verify(str(image))
        except (OSError, LaminixError):
            continue
        if not problems and left >= 0:
            break
    else:
        pytest.fail("it reads for ever")
    assert reads > 5
