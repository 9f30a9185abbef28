"""The checkout under test: its path, and copies of it to edit."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copy_tree(destination: Path) -> Path:
    """Copy the checkout, without .git and build results, to DESTINATION, and return that."""
    kept_out = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", "result*")
    shutil.copytree(ROOT, destination, symlinks=True, ignore=kept_out)
    return destination
