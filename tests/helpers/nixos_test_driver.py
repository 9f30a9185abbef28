"""The part of the NixOS test driver that vm-test.py uses, with this machine's engines in place of a VM."""

import ast
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Container, Iterator
from typing import Any

from engines.isolation import ISOLATED

PATIENCE = 60  # seconds


class Machine:
    """Runs shell commands in the namespaces of PROCESS, with DIRECTORY first on PATH."""

    patience = PATIENCE

    def __init__(self, directory: str, process: int):
        self._env = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}
        self._enter = ["nsenter", "--target", str(process), "--mount", "--pid"]

    def execute(self, command: str) -> tuple[int, str]:
        """Exit status and output of the shell command, which runs as strictly as on a machine of NixOS."""
        argv = [*self._enter, "bash", "-c", f"set -euo pipefail; {command}"]
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
        """Wait until the engine, the only unit here, answers; raise AssertionError if it does not in time."""
        wait_until(lambda: self.execute("docker version >/dev/null 2>&1")[0] == 0, unit, self.patience)

    def wait_for_open_port(self, port: int) -> None:
        """Wait until something listens on PORT; raise AssertionError if nothing does in time."""
        wait_until(lambda: _listens(port), f"port {port}", self.patience)


def wait_until(condition: Callable[[], bool], what: str, patience: int = PATIENCE) -> None:
    """Wait until CONDITION is true; raise AssertionError, which names WHAT, if it is not within PATIENCE seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    return False


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


def only_subtests(script: str, numbers: Container[str]) -> str:
    """The test script without the subtests whose names start with other numbers."""
    tree = ast.parse(script)
    tree.body = [part for part in tree.body if not isinstance(part, ast.With) or _number(part) in numbers]
    return ast.unparse(tree)


def _number(subtest_block: ast.With) -> str:
    return subtest_block.items[0].context_expr.args[0].value.partition(":")[0]


def run_script(script: str, machine: Machine) -> None:
    """Run the test script, with MACHINE as its variable ``docker``."""
    names: dict[str, Any] = {"docker": machine, "subtest": subtest, "start_all": lambda: None}
    exec(compile(script, "vm-test.py", "exec"), names)
