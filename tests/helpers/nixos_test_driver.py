"""The part of the NixOS test driver that vm-test.py uses, with this machine's engines in place of a VM."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from engines.isolation import ISOLATED

PATIENCE = 60  # seconds


class Machine:
    """Runs shell commands in the namespaces of PROCESS, with DIRECTORY first on PATH."""

    def __init__(self, directory: str, process: int):
        self._env = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}
        self._argv = ["nsenter", "--target", str(process), "--mount", "--pid", "bash", "-o", "pipefail", "-c"]

    def execute(self, command: str) -> tuple[int, str]:
        """Exit status and output of the shell command."""
        argv = [*self._argv, command]
        ran = subprocess.run(argv, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return ran.returncode, ran.stdout

    def succeed(self, *commands: str) -> str:
        """Run the commands and return their output; raise AssertionError if one fails."""
        outputs = []
        for command in commands:
            status, output = self.execute(command)
            assert status == 0, f"{command}: status {status}: {output}"
            outputs.append(output)
        return "".join(outputs)

    def fail(self, *commands: str) -> str:
        """Run the commands and return their output; raise AssertionError if one succeeds."""
        outputs = []
        for command in commands:
            status, output = self.execute(command)
            assert status != 0, f"{command}: succeeded: {output}"
            outputs.append(output)
        return "".join(outputs)

    def wait_for_unit(self, unit: str) -> None:
        """Do nothing: the engine is ready once it has been started."""

    def wait_for_open_port(self, port: int) -> None:
        """Wait until something listens on PORT; raise OSError if nothing does within a minute."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


@contextlib.contextmanager
def running(directory: str) -> Iterator[Machine]:
    """A machine with DIRECTORY first on PATH.  At the end, all processes that it started are killed."""
    process = subprocess.Popen([*ISOLATED, "sleep", "infinity"])
    try:
        yield Machine(directory, _child(process.pid))
    finally:
        process.kill()
        process.wait()


def _child(process: int) -> int:
    """The process ID of the first child of PROCESS; waits for it."""
    children = ""
    while not children:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            children = file.read()
    return int(children)


@contextlib.contextmanager
def subtest(name: str) -> Iterator[None]:
    """Add the subtest's name to the error if the block fails."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the subtest {name!r}")
        raise


def run_script(script: str, machine: Machine) -> None:
    """Run the test script, with MACHINE as its variable ``docker``."""
    names: dict[str, Any] = {"docker": machine, "subtest": subtest, "start_all": lambda: None}
    exec(compile(script, "vm-test.py", "exec"), names)
