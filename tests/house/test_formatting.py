"""Python files are formatted by black, their imports by isort, with the settings in setup.cfg."""

import configparser
import subprocess

from checkout import ROOT

SOURCES = [ROOT / "lib", ROOT / "tests"]
SCRIPTS = sorted(path for path in (ROOT / "builders").iterdir() if path.name != "README.md")


def black() -> list[str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    options = [f"--{key.replace('_', '-')}={value}" for key, value in settings["black"].items()]
    return ["black", "--quiet", *options]


def test_black_changes_nothing(need):
    need("black")
    ended = subprocess.run([*black(), "--check", "--diff", *SOURCES, *SCRIPTS], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout[:2000]) == (0, "")


def test_isort_changes_nothing(need):
    need("isort")
    argv = ["isort", "--settings-file", ROOT / "setup.cfg", "--check-only", "--diff", *SOURCES, *SCRIPTS]
    ended = subprocess.run(argv, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout[:2000]) == (0, "")
