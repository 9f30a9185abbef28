"""What goes to a terminal and what does not."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from checkout import ROOT
from image_maker import ImageMaker


def on_a_terminal(*argv, columns=80):
    """Exit status of a builder whose standard output is a terminal, what it writes there, and its standard error."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-IB", ROOT / "builders" / argv[0], *map(str, argv[1:])]
    process = subprocess.Popen(command, stdout=terminal, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    os.close(terminal)
    written = b""
    try:
        while data := os.read(controller, 1 << 16):
            written += data
    except OSError:  # Linux's way to say that nobody writes any more
        pass
    os.close(controller)
    return process.wait(), written.decode().replace("\r\n", "\n"), process.communicate()[1].decode()


def test_an_archive_is_not_written_to_a_terminal(builder, tmp_path):
    maker = ImageMaker(builder, tmp_path)
    image = maker.image("image", {}, maker.layer("layer", {"a": b"a"}))
    status, written, said = on_a_terminal("pack-image", image, "--format", "docker-archive", "--out", "-")
    assert (status, written) == (1, "")
    why = "standard output is a terminal; redirect it to a file or pipe it to a program"
    assert said == f"pack-image: error: cannot write the archive: {why}\n"


def test_a_table_is_cut_to_the_terminal_and_nowhere_else(builder, tmp_path):
    maker = ImageMaker(builder, tmp_path)
    layer = maker.layer("layer", {"a": b"a"}, "--remove", "x" * 200)
    image = maker.image("image", {}, layer)
    for columns in (60, 100):
        status, written, _ = on_a_terminal("list-layers", image, columns=columns)
        assert status == 0
        assert [len(line) for line in written.splitlines()][1] == columns and written.endswith("…\n")
    assert f"without {'x' * 200}\n" in builder("list-layers", image).stdout
