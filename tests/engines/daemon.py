"""Daemons: started, awaited and stopped by their own process, in a directory with a short path."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from engines.program import EngineError

# In namespaces of their own, a daemon's mounts, its shims and its containers end with it, also when it
# is killed; and when we are killed, it is.  Its /run is empty at the start: dockerd would else use the
# containerd of the machine.
ISOLATED = (
    "setpriv --pdeathsig KILL"
    " unshare --mount --propagation slave --pid --fork --kill-child --mount-proc"
    " sh -c"
).split() + ['mount -t tmpfs tmpfs /run && exec "$@"', "sh"]


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A directory whose path leaves room for a socket's name (108 bytes); gone at the end, mounts first."""
    directory = tempfile.mkdtemp(prefix="lx-", dir="/tmp")
    try:
        yield directory
    finally:
        unmount_below(directory)
        shutil.rmtree(directory)


def unmount_below(directory: str) -> None:
    """Unmount whatever is mounted in DIRECTORY, the deepest first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4].replace("\\040", " ") for line in file]
    below = [point for point in points if point.startswith(f"{directory}/")]
    for point in sorted(below, key=len, reverse=True):
        subprocess.run(["umount", "--lazy", point], check=True)


@contextlib.contextmanager
def running(argv: list[str], log: str, ready: Callable[[], bool], env: dict[str, str]) -> Iterator[None]:
    """ARGV runs, isolated, from when READY says so until the block ends; it writes to the file LOG."""
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [*ISOLATED, *argv],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **env},
        )
    try:
        _await(process, ready, log)
        yield
    finally:
        _stop(process)


def _await(process: subprocess.Popen, ready: Callable[[], bool], log: str) -> None:
    deadline = time.monotonic() + 60
    while not _answers(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            raise EngineError(f"{process.args}: status {process.poll()}, not ready: {_tail(log)}")
        time.sleep(0.03)


def _answers(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except (OSError, EngineError):
        return False


def _tail(log: str) -> str:
    with open(log, encoding="utf-8", errors="backslashreplace") as file:
        return file.read()[-3000:]


def _stop(process: subprocess.Popen) -> None:
    """End the daemon politely, else with all that runs in its namespace."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                os.kill(int(child), signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
