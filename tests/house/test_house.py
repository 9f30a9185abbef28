"""What stands where: the top level, the builders and their functions, the age of the language."""

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "builders",
    "default.nix",
    "lib",
    "nix",
    "setup.cfg",
    "tests",
}


def tracked() -> list[str]:
    """The files that git knows, relative to the checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).exists()]


def builders() -> list[str]:
    return sorted(name for name in os.listdir(ROOT / "builders") if name != "README.md")


def python_files() -> list[Path]:
    scripts = [path for path in (ROOT / "builders").iterdir() if path.name != "README.md"]
    return sorted([*scripts, *(ROOT / "lib").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])


def test_the_top_level_holds_only_what_it_may():
    assert {name.partition("/")[0] for name in tracked()} <= TOP_LEVEL


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_is_python_3_11(path):
    ast.parse(path.read_bytes(), str(path), feature_version=(3, 11))


@pytest.mark.parametrize("name", builders())
def test_every_builder_is_executable_and_helps_with_an_example(builder, name):
    assert os.access(ROOT / "builders" / name, os.X_OK)
    helped = builder(name, "--help")
    assert helped.returncode == 0 and "example:" in helped.stdout


@pytest.mark.parametrize("name", builders())
def test_every_builder_has_a_function_in_nix(name):
    assert (ROOT / "nix" / f"{name}.nix").exists() or f'"{name}"' in nix_files()


def nix_files() -> str:
    return "".join(path.read_text() for path in (ROOT / "nix").rglob("*.nix"))


@pytest.mark.parametrize("name", builders())
def test_every_builder_is_in_the_readmes_table(name):
    assert re.search(rf"^\| \[?`{name}`", (ROOT / "README.md").read_text(), re.MULTILINE)


FUNCTIONS = "builtins.filter (name: builtins.isFunction laminix.${name}) (builtins.attrNames laminix)"


def test_every_function_is_in_the_tables_of_both_readmes(nix):
    functions = nix.evaluate(FUNCTIONS)
    for readme in (ROOT / "README.md", ROOT / "nix" / "README.md"):
        first_cells = re.findall(r"^\| ([^|]*)\|", readme.read_text(), re.MULTILINE)
        assert set(functions) <= set(re.findall(r"`(\w+)`", " ".join(first_cells))), readme


def test_the_reference_shows_the_arguments_that_a_function_has(nix):
    functions = nix.evaluate("""
        builtins.listToAttrs
          (map (name: { inherit name; value = builtins.functionArgs laminix.${name}; }) (%s))
        """ % FUNCTIONS)
    for name, arguments in functions.items():
        assert set(arguments) <= documented(name), name


def documented(function: str) -> set[str]:
    """The arguments that nix/README.md tells of under the heading of FUNCTION, and those of all functions."""
    text = (ROOT / "nix" / "README.md").read_text()
    section = text.partition(f"\n### {function}\n")[2].partition("\n### ")[0]
    common = text.partition("\n## The functions\n")[2].partition("\n### ")[0]
    return set(re.findall(r"`(\w+)`", common + section))
