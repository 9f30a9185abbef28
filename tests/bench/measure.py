"""A shell command as a whole: its seconds and its peak memory."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.executable} -IBS"  # as derivations run it


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    memory: int  # bytes, of the largest process in it


def install(trees: Path) -> None:
    """Put the builders with their compiled library into TREES, as they lie in the store."""
    for name in ("builders", "lib"):
        shutil.copytree(ROOT / name, trees / "laminix" / name)
    compile_dir(trees / "laminix" / "lib", quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def cost(command: str, trees: Path) -> Cost:
    """Run COMMAND in bash and say what it took.

    In it {b} is the directory of the builders that are installed in TREES, {t} is TREES, {o} a new directory
    on the same disk, and {python} runs Python.
    """
    with tempfile.TemporaryDirectory(dir=trees) as out:
        words = {"{b}": f"{trees}/laminix/builders", "{t}": str(trees), "{o}": out, "{python}": PYTHON}
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
