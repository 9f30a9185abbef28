"""What is left after a failure, and what is said where the machine forbids something."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import ROOT
from default_signals import restore_default_signals
from file_trees import Link, busybox
from image_maker import ImageMaker

FILES = {**busybox(), **{f"bin/{name}": Link("busybox") for name in ("chown", "cp", "sleep", "touch", "seq")}}
BUSY = "i=0; while :; do i=$((i + 1)); cp /bin/busybox /copy$((i % 9)); chown $i /copy$((i % 9)); done"
# Seconds after the start of run-layer, and after that of the command.
MOMENTS = [("start", 0.05), ("start", 0.1), ("start", 0.2), ("start", 0.3), ("start", 0.4)]
MOMENTS += [("command", 0), ("command", 0.01), ("command", 0.1), ("command", 0.3), ("command", 1)]


@pytest.fixture(scope="module")
def image(builder, tmp_path_factory):
    maker = ImageMaker(builder, tmp_path_factory.mktemp("images"))
    return maker.image("small", {"Env": ["PATH=/bin"]}, maker.layer("small", FILES))


def descendants(marker: str) -> list[str]:
    """The command lines of all processes that have MARKER in their environment."""
    found = []
    for directory in Path("/proc").iterdir():
        try:
            if directory.name.isdecimal() and f"MARKER={marker}".encode() in (directory / "environ").read_bytes().split(
                b"\0"
            ):
                found.append((directory / "cmdline").read_bytes().decode())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def gone_within(seconds: float, marker: str) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not descendants(marker):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("since", "moment"), MOMENTS)
def test_a_kill_leaves_neither_processes_nor_mounts(image, tmp_path, since, moment):
    before = mounts()
    marker = f"{tmp_path}"
    argv = [sys.executable, "-IB", ROOT / "builders" / "run-layer", "--parent", image, "--out", tmp_path / "layer"]
    environment = {**os.environ, "MARKER": marker, "TMPDIR": str(tmp_path)}
    command = ["--env", f"MARKER={marker}", "--", "sh", "-c", f"echo up >&2; ({BUSY}) & {BUSY}"]
    process = subprocess.Popen([*argv, *command], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if since == "command":
        assert process.stderr.readline() == b"up\n"
    time.sleep(moment)
    assert process.poll() is None and descendants(marker)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert gone_within(10, marker), descendants(marker)
    assert mounts() == before
    assert not (tmp_path / "layer").exists()


def test_the_next_call_removes_what_a_killed_one_left(builder, image, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "laminix-step-left" / "work").mkdir(parents=True)
    (tmp_path / "laminix-step-left" / "work").chmod(0)
    assert builder("run-image", image, "echo").returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(image, tmp_path, number):
    marker = f"{tmp_path}"
    argv = [sys.executable, "-IB", ROOT / "builders" / "run-layer", "--parent", image, "--out", tmp_path / "layer"]
    environment = {**os.environ, "MARKER": marker, "TMPDIR": str(tmp_path)}
    command = ["--env", f"MARKER={marker}", "--", "sh", "-c", "echo up >&2; sleep 1000"]
    argv += command
    how = {"env": environment, "stderr": subprocess.PIPE, "text": True, "preexec_fn": restore_default_signals}
    with subprocess.Popen(argv, **how) as process:
        assert process.stderr.readline() == "up\n"
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == "run-layer: error: interrupted\n"
        assert process.returncode == 128 + number
    assert descendants(marker) == []
    assert list(tmp_path.iterdir()) == []


# Each forbids something and then becomes run-layer.
SECCOMP = """
import ctypes, errno, os, struct, sys
call, out, image = int(sys.argv[1]), sys.argv[2], sys.argv[3]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, call), (6, 0, 0, 0x50000 | errno.EPERM), (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
head = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None)
libc.prctl.argtypes = [ctypes.c_int] + 4 * [ctypes.c_ulong]
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.addressof(head), 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""
NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
PREFIX = "run-layer: error: cannot"
USER = f"{PREFIX} become root of a user namespace"
STEP = f"{PREFIX} run a command as root"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (272, f"{USER}: user namespaces are forbidden: set sysctl kernel.unprivileged_userns_clone=1 and"),
        (
            165,
            f"{USER}: mounting is forbidden (Operation not permitted): in a container, allow mount in its seccomp profile",
        ),
        (
            101,
            f"{STEP}: ptrace is forbidden (Operation not permitted): set sysctl kernel.yama.ptrace_scope to 2 or less;",
        ),
    ],
    ids=["unshare", "mount", "ptrace"],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are x86_64's")
def test_a_forbidden_call_is_named_in_one_line_before_any_work(image, tmp_path, number, expected):
    argv = ["-IB", str(ROOT / "builders" / "run-layer"), "--parent", image, "--out", tmp_path / "layer", "--", "true"]
    done = subprocess.run(
        [sys.executable, "-c", SECCOMP, str(number), "-", "-", *argv],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(expected) and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_user_namespaces_is_named(image, tmp_path):
    argv = [
        sys.executable,
        "-IB",
        ROOT / "builders" / "run-layer",
        "--parent",
        image,
        "--out",
        tmp_path / "layer",
        "--",
        "true",
    ]
    # The limit of a namespace counts what is made within it, so one below this one can be given none.
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", NAMESPACES, "sh", *argv],
        capture_output=True,
        text=True,
    )
    expected = f"{USER}: no more user namespaces are allowed: set sysctl user.max_user_namespaces to 1000 or more\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)


def test_a_plain_user_can_run_a_step(image, tmp_path):
    """As nobody, who owns nothing here."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    tmp_path.chmod(0o777)
    for directory in tmp_path.parents:
        if directory != Path("/") and directory != Path("/tmp"):
            directory.chmod(0o755)
    archive = tmp_path / "image.tar"
    subprocess.run(
        [
            sys.executable,
            "-IB",
            ROOT / "builders" / "pack-image",
            image,
            "--format",
            "docker-archive",
            "--out",
            archive,
        ],
        check=True,
    )
    copy = tmp_path / "laminix"
    copy.mkdir(exist_ok=True)
    subprocess.run(["cp", "-r", ROOT / "builders", ROOT / "lib", copy], check=True)
    argv = [
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        "/usr/bin/python3",
        "-IB",
        copy / "builders" / "run-layer",
    ]
    script = "touch /f; chown 5:6 /f; chmod 4755 /f; chown 7 /bin/busybox"
    done = subprocess.run(
        [*argv, "--parent", archive, "--out", tmp_path / "layer", "--", "/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    listed = subprocess.run(
        ["tar", "-tvf", tmp_path / "layer" / "layer.tar", "--numeric-owner"], capture_output=True, text=True
    ).stdout
    assert "-rwsr-xr-x 5/6" in listed and "-rwxr-xr-x 7/0" in listed


def test_calls_at_the_same_time_leave_each_others_files(image):
    """Each looks for what killed calls have left."""
    argv = [sys.executable, "-IB", ROOT / "builders" / "run-image", image, "echo", "done"]
    for _ in range(3):
        running = [
            subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) for _ in range(6)
        ]
        assert [process.communicate()[0] for process in running] == ["done\n"] * 6


def test_directories_of_others_stay(builder, image, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "laminix-data").mkdir()
    (tmp_path / "laminix-data" / "file").touch()
    assert builder("run-image", image, "echo").returncode == 0
    assert (tmp_path / "laminix-data" / "file").exists()
