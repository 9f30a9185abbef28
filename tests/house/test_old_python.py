"""An old Python is told in one line that it is too old: it can read what runs before the check."""

import ast
import re
import subprocess
import sys

import pytest

from checkout import ROOT
from laminix import __version__

BEFORE_THE_CHECK = [*sorted((ROOT / "builders").iterdir()), ROOT / "lib" / "laminix" / "__init__.py"]
# What stands for an older Python: this one, which says of itself that it is 3.8.
PRETENDING = """
import runpy, sys
sys.version_info = (3, 8, 10, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("path", BEFORE_THE_CHECK, ids=lambda path: path.name)
def test_python_3_8_can_read_it(path):
    ast.parse(path.read_bytes(), str(path), feature_version=(3, 8))


@pytest.mark.parametrize("builder", sorted((ROOT / "builders").iterdir()), ids=lambda path: path.name)
def test_the_check_comes_before_anything_else(builder):
    """The first import that is not of the standard library runs it, and no annotation is evaluated before."""
    imports = re.findall(r"^(?:from|import) (\S+)", builder.read_text(), re.MULTILINE)
    first = next(name for name in imports if name.startswith("laminix"))
    assert {"os", "sys"} <= set(imports[: imports.index(first)])


def test_says_which_python_is_needed():
    argv = [sys.executable, "-c", PRETENDING, ROOT / "builders" / "list-layers", "x"]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"laminix: error: found Python 3.8, expected 3.11 or later ({sys.executable})\n"


def test_version_is_the_packages(builder):
    declared = re.search("^version = (.*)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)[1]
    assert __version__ == declared
    assert builder("mk-layer", "--version").stdout == f"mk-layer (laminix) {declared}\n"
