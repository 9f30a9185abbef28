"""run-image: a command in a container of an image, without an engine."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from checkout import ROOT
from default_signals import restore_default_signals
from file_trees import DIRECTORY, Link, busybox
from image_maker import ImageMaker

FILES = {
    **busybox(),
    **{f"bin/{name}": Link("busybox") for name in ("kill", "pwd", "sleep", "stat", "stty", "touch", "tty")},
    "etc": DIRECTORY,
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n",
    "etc/group": b"root:x:0:\nusers:x:100:\n",
    "srv": DIRECTORY,
    "etc/plain": b"plain\n",
}
CONFIG = {
    "Env": ["PATH=/bin", "COLOUR=green"],
    "Entrypoint": ["/bin/sh", "-c"],
    "Cmd": ["echo $COLOUR; pwd; id -u; echo $HOME"],
    "WorkingDir": "/srv",
    "User": "ann",
}


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    return ImageMaker(builder, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def image(maker):
    return maker.image("run", CONFIG, maker.layer("run", FILES))


@pytest.fixture
def run(builder, image):
    """``run(OPTION…)``: the ended process of run-image, which gets the image after the OPTIONs before "IMAGE"."""

    def call(*words: object, **how):
        return builder("run-image", *(image if word == "IMAGE" else word for word in words), **how)

    return call


def test_the_config_says_what_runs_and_how(run):
    done = run("IMAGE")
    assert (done.returncode, done.stdout, done.stderr) == (0, "green\n/srv\n1000\n/home/ann\n", "")


def test_a_relative_path_is_found(run, image):
    done = run(image.name, cwd=image.parent)
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "green", "")


def test_options_go_before_the_config(run):
    options = ("--env", "COLOUR=red", "--user", "7:8", "--workdir", "/etc", "--entrypoint", "sh")
    done = run(*options, "IMAGE", "-c", "echo $COLOUR; pwd; id -u; id -g")
    assert (done.stdout, done.returncode) == ("red\n/etc\n7\n8\n", 0), done.stderr


@pytest.mark.parametrize("form", ["docker-archive", "oci", "unpacked"])
def test_every_form_runs(run, maker, image, form):
    other = maker.build("unpacked", "unpack-image", image) if form == "unpacked" else maker.packed(image, form)
    assert run(other).stdout == "green\n/srv\n1000\n/home/ann\n"


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 7", 7), ("exit 125", 125), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_the_exit_status_is_the_commands(run, command, status):
    assert run("IMAGE", command).returncode == status


def test_what_cannot_run_has_the_status_that_docker_gives(run):
    assert run("--entrypoint", "/no/such", "IMAGE").returncode == 127
    assert run("--entrypoint", "/etc/plain", "IMAGE").returncode == 126


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("/no/such/image",), "bad image: no such file or directory (/no/such/image)"),
        (("--user", "bob", "IMAGE"), "bad user: 'bob' is not in /etc/passwd, and no number from 0 to 4294967294"),
        (("--bind", "/no/such", "IMAGE"), "cannot bind: no such file or directory (/no/such)"),
        (("--network", "all", "IMAGE"), "bad usage: argument --network: invalid choice: 'all'"),
    ],
)
def test_a_failure_of_its_own_is_one_line_and_125(run, words, why):
    done = run(*words)
    assert done.returncode == 125 and done.stdout == ""
    assert done.stderr.startswith(f"run-image: error: {why}") and done.stderr.count("\n") == 1


def test_an_image_without_a_command_needs_one(run, maker):
    done = run(maker.image("empty", {}, maker.layer("run", FILES)))
    assert done.stderr == "run-image: error: nothing to run: the image has neither Entrypoint nor Cmd; give a COMMAND\n"
    assert done.returncode == 125


def test_the_streams_are_the_callers(run):
    done = run("IMAGE", "cat; echo err >&2", input="typed\n")
    assert (done.stdout, done.stderr) == ("typed\n", "err\n")


def test_what_the_command_changes_is_thrown_away(run, image):
    assert run("--user", "0", "IMAGE", "rm /etc/plain; touch /new /srv/new; ls /").returncode == 0
    assert run("IMAGE", "cat /etc/plain; ls /srv").stdout == "plain\n"


def test_binds_are_read_only_unless_told(run, tmp_path):
    (tmp_path / "file").write_text("shared\n")
    done = run("--bind", f"{tmp_path}:/data", "IMAGE", "cat /data/file; touch /data/new")
    assert (done.stdout, done.returncode) == ("shared\n", 1)
    assert run("--bind", f"{tmp_path}:/data:rw", "IMAGE", "touch /data/new").returncode == 0
    assert (tmp_path / "new").exists()


def test_the_network_is_the_hosts_only_if_asked_for(run):
    own = run("IMAGE", "cat /proc/net/dev").stdout
    assert own.count(":") == 1 and "lo:" in own
    hosts = open("/proc/self/net/dev").read()
    shared = run("--network", "host", "IMAGE", "cat /proc/net/dev").stdout
    assert [line.split(":")[0] for line in shared.splitlines()] == [line.split(":")[0] for line in hosts.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_reach_the_command(image, number):
    script = "trap 'echo INT; exit 3' INT; trap 'echo TERM; exit 3' TERM; trap 'echo USR1; exit 3' USR1; echo up; while :; do sleep 0.05; done"
    argv = [sys.executable, "-IB", ROOT / "builders" / "run-image", image, script]
    how = {"stdout": subprocess.PIPE, "text": True, "preexec_fn": restore_default_signals}
    with subprocess.Popen(argv, **how) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.communicate(timeout=20)[0] == number.name.removeprefix("SIG") + "\n"
        assert process.returncode == 3


def test_a_terminal_is_the_containers_own(image):
    """As with docker run -it: job control works, the size is passed on, Ctrl-C goes to the command."""
    script = "tty; stty size; trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.05; done"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-IB", f"{ROOT}/builders/run-image", str(image), script])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    said = read_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    said += read_until(terminal, b"caught")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    os.close(terminal)
    assert said.replace(b"\r", b"").startswith(b"/dev/pts/0\n33 99\nready\n")


def read_until(terminal: int, text: bytes) -> bytes:
    said, end = b"", time.monotonic() + 30
    while text not in said and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            said += os.read(terminal, 1000)
    assert text in said
    return said
