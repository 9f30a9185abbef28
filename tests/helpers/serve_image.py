"""serve-image as the tests start and end it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from checkout import ROOT
from default_signals import restore_default_signals

PROGRAM = (sys.executable, "-IB", ROOT / "builders" / "serve-image")


class Served:
    """A running serve-image."""

    def __init__(self, process: subprocess.Popen, names: list[str], log: Path):
        self.process = process
        self.names = names  # what it printed: 127.0.0.1:PORT/NAME:TAG
        self.host = names[0].partition("/")[0]
        self._log = log

    def said(self) -> list[str]:
        """The lines on its standard error."""
        return self._log.read_text().splitlines()

    def asked(self, method: str = "GET", kind: str = "") -> list[str]:
        """The paths of the requests that it answered, those that have KIND in them."""
        words = [line.split() for line in self.said()]
        return [line[2] for line in words if len(line) == 4 and line[1] == method and kind in line[2]]

    def awaits(self, text: str) -> None:
        """Wait until it has said TEXT."""
        deadline = time.monotonic() + 20
        while text not in self._log.read_text():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)


@contextlib.contextmanager
def serving(
    directory: Path, *argv: object, program: Sequence[object] = PROGRAM, **environment: str
) -> Iterator[Served]:
    """Run serve-image with ARGV, logging to a file in DIRECTORY, until the block ends. It must exit with 0 then."""
    log = directory / f"serve-{time.monotonic_ns()}.log"
    command = [*program, "--log", *map(str, argv)]
    with log.open("wb") as err:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=err,
            env={**os.environ, **environment},
            preexec_fn=restore_default_signals,
        )
    try:
        names = os.read(process.stdout.fileno(), 1 << 16).decode().split()  # they come in one write
        assert names, log.read_text()
        yield Served(process, names, log)
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)
        process.stdout.close()
    assert status == 0, log.read_text()
