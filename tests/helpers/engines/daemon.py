"""Daemons: started, awaited and stopped by their own process, in a directory with a short path."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from engines.isolation import ISOLATED
from engines.program import EngineError

# What containerd, and dockerd by way of it, will not have elsewhere.  Isolated, each has one of its own:
# dockerd would else use the containerd of the machine.
RUN = "/run/containerd"
WITH_OWN_RUN = [*ISOLATED, "sh", "-c", f'mkdir -p {RUN} && mount --bind "$0" {RUN} && exec "$@"']
PATIENCE = 10  # seconds that a directory may resist being removed


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A directory whose path leaves room for a socket's name (108 bytes); gone at the end."""
    directory = tempfile.mkdtemp(prefix="lx-", dir="/tmp")
    try:
        yield directory
    finally:
        remove(directory)


def remove(directory: str) -> None:
    """Remove DIRECTORY; what is just ending may still write there, or take away what it has written."""
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(directory):
        try:
            shutil.rmtree(directory)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def running(directory: str, argv: list[str], ready: Callable[[], bool]) -> Iterator[None]:
    """ARGV runs, isolated, from when READY says so until the block ends.

    DIRECTORY gets its log, and ``run``: what RUN is for it.
    """
    run, log = f"{directory}/run", log_file(directory)
    os.mkdir(run)
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [*WITH_OWN_RUN, run, *argv],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, ready, log)
        yield
    finally:
        _stop(process)


def log_file(directory: str) -> str:
    """What the daemon that runs in DIRECTORY writes to."""
    return f"{directory}/log"


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
    """End the daemon, the first in its namespace, and so all that runs there; its state is of no use."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                os.kill(int(child), signal.SIGKILL)
    process.wait()
