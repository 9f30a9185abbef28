"""Without memory, threads, low descriptors or a blocking standard input: one line, or the right result."""

import fcntl
import gzip
import os
import resource
import subprocess
import sys
import termios
import threading
import time

import pytest

from file_trees import tar, write_tar
from image_forms import Image, docker_oci, gzipped, oci_layout
from laminix.command import runner
from laminix.command.parser import Parser
from laminix.compression.compressor import available_cores
from laminix.parallel.ordered_workers import chunks_in_order
from laminix.parallel.process_call import map_in_processes
from laminix.progress import find_reporter


def fail(error):
    def main(options):
        raise error

    return main


@pytest.fixture
def ran(capsys, monkeypatch):
    """``ran(main)``: the exit status and standard error of a builder in this process."""
    monkeypatch.setattr(runner, "_clean_up_on_signals", lambda: None)
    monkeypatch.setattr("sys.argv", ["some-builder"])

    def run(main):
        return runner.run(Parser("some-builder", "Do something.", "  some-builder"), main), capsys.readouterr().err

    return run


def test_without_memory(ran):
    assert ran(fail(MemoryError())) == (1, "some-builder: error: cannot continue: out of memory\n")


def test_without_threads(ran):
    status, line = ran(fail(RuntimeError("can't start new thread")))
    assert status == 1 and line.startswith("some-builder: error: cannot continue: can't start new thread; ")
    assert line.count("\n") == 1


@pytest.fixture
def small(need, tmp_path):
    """A directory with room for a megabyte."""
    need("mount", root=True)
    directory = tmp_path / "small"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", directory], check=True)
    yield directory
    subprocess.run(["umount", directory], check=True)


def large_image(form):
    return form(Image((tar({"noise": os.urandom(3 << 20)}),), {}), gzipped)


@pytest.mark.parametrize(
    ("form", "argv"),
    [
        (docker_oci, ["list-layers"]),  # the archive is compressed as a whole
        (oci_layout, ["pack-image", "--format", "docker-legacy-archive", "--out", "packed.tar"]),
        (oci_layout, ["export-image", "--out", "files.tar"]),
    ],
    ids=["compressed-archive", "compressed-layer", "export-image"],
)
def test_no_space_for_temporary_files(builder, small, tmp_path, form, argv):
    image = write_tar(str(tmp_path / "image"), large_image(form))
    if argv == ["list-layers"]:
        image = tmp_path / "image.gz"
        image.write_bytes(gzip.compress((tmp_path / "image").read_bytes()))
    done = builder(argv[0], image, *argv[1:], cwd=tmp_path, env={**os.environ, "TMPDIR": str(small)})
    why = f"No space left on device; set $TMPDIR to another directory ({small})"
    assert (done.returncode, done.stderr) == (1, f"{argv[0]}: error: cannot write a temporary file: {why}\n")
    assert os.listdir(small) == []


@pytest.mark.parametrize(
    ("builder_name", "argv"),
    [
        ("pack-image", ["--format", "docker-archive"]),
        ("pack-image", ["--format", "oci"]),
        ("export-image", []),
        ("merge-parent", []),
    ],
    ids=["archive", "directory", "export-image", "merge-parent"],
)
def test_no_space_for_the_output(builder, small, tmp_path, builder_name, argv):
    image = write_tar(str(tmp_path / "image"), large_image(oci_layout))
    given = [image] if builder_name != "merge-parent" else ["--parent", image, "--image", image]
    done = builder(builder_name, *given, *argv, "--out", small / "out", cwd=tmp_path)
    line = f"{builder_name}: error: cannot write: No space left on device ({small}/out)\n"
    assert (done.returncode, done.stderr) == (1, line)
    assert os.listdir(small) == []


def test_a_bug_keeps_its_traceback(ran):
    with pytest.raises(RuntimeError):
        ran(fail(RuntimeError("dictionary changed size during iteration")))


def test_standard_input_that_does_not_block(builder, tmp_path):
    """A reader that takes "nothing yet" for the end would see a truncated archive."""
    with open(write_tar(str(tmp_path / "image"), oci_layout(Image((tar({"a": b"1" * 9999}),), {}))), "rb") as file:
        data = file.read()
    read, write = os.pipe()
    os.set_blocking(read, False)

    end = time.monotonic() + 20  # seconds; a reader that has failed takes no more

    def feed():
        with open(write, "wb", buffering=0) as pipe:
            for start in range(0, len(data), 5000):
                pipe.write(data[start : start + 5000])
                while waiting(read) and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(0.1)  # the reader has taken all, and asks again

    thread = threading.Thread(target=feed)
    thread.start()
    done = builder("list-layers", "-", stdin=read)
    thread.join()
    os.close(read)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def many_descriptors():
    """More open descriptors than select() takes."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    yield
    for descriptor in opened:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def waiting(pipe):
    """How many bytes nobody has read from PIPE yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def double(number):
    return 2 * number


def chunks_of(job, new_chunk):
    chunk = new_chunk()
    chunk[:1] = bytes([job])
    yield chunk[:1]


def test_over_1023_descriptors(many_descriptors):
    assert list(map_in_processes(double, [(number,) for number in range(6)], 3)) == [0, 2, 4, 6, 8, 10]
    chunks = chunks_in_order(chunks_of, range(20), 3, lambda _: None)
    assert [bytes(chunk) for chunk in chunks] == [bytes([number]) for number in range(20)]


@pytest.mark.parametrize("cores", ["9" * 5000, "-1", "", "x"])
def test_an_odd_number_of_cores(monkeypatch, cores):
    monkeypatch.setenv("NIX_BUILD_CORES", cores)
    assert available_cores() >= 1


def test_a_log_descriptor_that_is_a_file_of_ours(monkeypatch, tmp_path):
    """$NIX_LOG_FD may name a number that was not open; a layer's blob may have it now."""
    with open(tmp_path / "blob", "wb") as blob:
        monkeypatch.setenv("NIX_LOG_FD", str(blob.fileno()))
        assert find_reporter() is None
        fcntl.fcntl(blob.fileno(), fcntl.F_SETFD, 0)  # as one that the caller opened
        assert find_reporter() is not None


@pytest.mark.parametrize("number", ["9" * 5000, "99999999999", "77"])
def test_an_odd_log_descriptor(monkeypatch, number):
    monkeypatch.setenv("NIX_LOG_FD", number)
    assert find_reporter() is None
