"""Where an output goes that is no plain file: devices, FIFOs, links, descriptors."""

import os
import socket
import stat
import threading

import pytest

from laminix.errors import LaminixError
from laminix.output import new_directory, new_file

NULL, FULL = (1, 3), (1, 7)


@pytest.fixture
def device(tmp_path):
    """``device(name, numbers)``: a character device of its own, as /dev has them."""

    def make(name, numbers, kind=stat.S_IFCHR):
        try:
            os.mknod(tmp_path / name, kind | 0o640, os.makedev(*numbers))
        except PermissionError:
            pytest.skip("only root can make a device")
        return tmp_path / name

    return make


@pytest.fixture
def written(builder, tmp_path):
    """``written(out, …)``: the ended process of a builder that writes a file to OUT, and what it writes."""
    (tmp_path / "in").write_bytes(b"data" * 1000)

    def run(out, **how):
        command = ("compress", tmp_path / "in", "--compressor", "none", "--out", out)
        return builder(*command, **how)

    return run


DATA = b"data" * 1000


def test_a_device_is_written_into(written, device):
    null = device("null", NULL)
    before = os.lstat(null)
    done = written(null)
    assert (done.returncode, done.stderr) == (0, "")
    after = os.lstat(null)
    assert stat.S_ISCHR(after.st_mode) and after.st_rdev == before.st_rdev
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(os.listdir(null.parent)) == ["in", "null"]


def test_a_program_for_a_device_does_not_make_it_executable(builder, device):
    null = device("null", NULL)
    done = builder("mk-streamer", null.parent, "--out", null)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.lstat(null).st_mode == stat.S_IFCHR | 0o640


def test_a_device_that_is_full(written, device):
    full = device("full", FULL)
    done = written(full)
    assert done.returncode == 1 and stat.S_ISCHR(os.lstat(full).st_mode)
    assert done.stderr.endswith(f": error: cannot write: No space left on device ({full})\n")
    assert done.stderr.count("\n") == 1


def test_a_link_to_a_device_stays(written, tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    assert written(tmp_path / "link").returncode == 0
    assert os.readlink(tmp_path / "link") == "/dev/null" and stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_block_device_is_refused(written, device):
    disk = device("disk", (240, 0), stat.S_IFBLK)
    done = written(disk)
    assert done.returncode == 1 and stat.S_ISBLK(os.lstat(disk).st_mode)
    assert done.stderr == (
        "compress: error: cannot write the output: found a block device, expected a file, a FIFO, "
        f"a character device or no file ({disk})\n"
    )


def test_a_fifo_is_written_into(written, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_bytes()), daemon=True)
    reader.start()
    done = written(tmp_path / "fifo", timeout=30)
    reader.join(30)
    assert (done.returncode, done.stderr, read) == (0, "", [DATA])
    assert stat.S_ISFIFO(os.lstat(tmp_path / "fifo").st_mode)


def test_a_socket_is_refused(written, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        done = written(tmp_path / "s")
    assert done.returncode == 1 and "found a socket, expected a file" in done.stderr
    assert stat.S_ISSOCK(os.lstat(tmp_path / "s").st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_name(written, tmp_path, name):
    assert written(name, text=False).stdout == DATA
    left, right = socket.socketpair()
    with left, right:
        done = written(name, stdout=right, capture_output=False)
        assert done.returncode == 0 and left.recv(5000) == DATA
    with open(tmp_path / "log", "wb") as file:
        file.write(b"before ")
        file.flush()
        written(name, stdout=file, capture_output=False)
        file.seek(0, os.SEEK_END)
        file.write(b" after")
    assert (tmp_path / "log").read_bytes() == b"before " + DATA + b" after"


def test_a_descriptor_that_is_not_open(tmp_path):
    with pytest.raises(LaminixError, match="descriptor 987 is not open: Bad file descriptor"):
        with new_file("/dev/fd/987"):
            pass


def test_a_link_to_a_file_stays(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/file").write_bytes(b"before")
    (tmp_path / "link").symlink_to("d/file")
    with new_file(str(tmp_path / "link")) as file:
        file.write(b"after")
        file.flush()
        assert (tmp_path / "d/file").read_bytes() == b"before"
    assert os.readlink(tmp_path / "link") == "d/file"
    assert (tmp_path / "d/file").read_bytes() == b"after" and os.listdir(tmp_path / "d") == ["file"]


def test_a_link_to_a_file_that_is_missing(tmp_path):
    (tmp_path / "link").symlink_to("file")
    with new_file(str(tmp_path / "link")) as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new" and (tmp_path / "link").is_symlink()
    (tmp_path / "other").symlink_to("none/file")
    with pytest.raises(LaminixError, match="its parent directory does not exist"), new_file(str(tmp_path / "other")):
        pass


def test_a_link_in_a_circle(written, tmp_path):
    (tmp_path / "link").symlink_to("link")
    done = written(tmp_path / "link")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert os.readlink(tmp_path / "link") == "link"


@pytest.mark.parametrize("out", ["result", "tree/file", "dangling"])
def test_a_link_into_the_store_is_refused(written, tmp_path, out):
    store = tmp_path / "store"
    (store / "tree").mkdir(parents=True)
    (store / "tree/file").write_bytes(b"before")
    (tmp_path / "result").symlink_to(store / "tree/file")
    (tmp_path / "tree").symlink_to(store / "tree")
    (tmp_path / "dangling").symlink_to(store / "missing")
    done = written(tmp_path / out, env={**os.environ, "NIX_STORE": str(store)})
    assert done.returncode == 1
    assert done.stderr == (
        "compress: error: cannot write the output: a link leads into the Nix store "
        f"({os.path.realpath(tmp_path / out)}); remove it or choose another path ({tmp_path / out})\n"
    )
    assert (store / "tree/file").read_bytes() == b"before"
    assert os.listdir(store) == ["tree"] and os.listdir(store / "tree") == ["file"]


def test_a_file_in_the_store_is_written_as_by_a_derivation(written, tmp_path):
    (tmp_path / "store").mkdir()
    out = tmp_path / "store/hello.tar"
    done = written(out, env={**os.environ, "NIX_STORE": str(tmp_path / "store")})
    assert (done.returncode, done.stderr, out.read_bytes()) == (0, "", DATA)


@pytest.mark.parametrize("target", ["/dev/null", "d", "missing"])
def test_a_directory_takes_the_place_of_no_link(tmp_path, target):
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(LaminixError, match="it exists already"), new_directory(str(tmp_path / "link")):
        pass
    assert os.readlink(tmp_path / "link") == target
