"""A shell command as a whole: its seconds and its peak memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

BUILDERS = Path(__file__).resolve().parents[2] / "builders"
PYTHON = f"{sys.executable} -I -B"


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    memory: int  # bytes, of the largest process in it


def cost(command: str, trees: Path) -> Cost:
    """Run COMMAND in bash and say what it took.

    In it {b} is the directory of the builders, {t} is TREES, {o} a new directory on the same disk, and
    {python} runs Python as derivations do.
    """
    with tempfile.TemporaryDirectory(dir=trees) as out:
        words = {"{b}": str(BUILDERS), "{t}": str(trees), "{o}": out, "{python}": PYTHON}
        for placeholder, text in words.items():
            command = command.replace(placeholder, text)
        begun = time.monotonic()
        process = subprocess.Popen(["bash", "-c", f"set -eo pipefail; {command}"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"this failed, so nothing is measured: {command}")
    return Cost(seconds, usage.ru_maxrss << 10)
