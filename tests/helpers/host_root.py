"""A root file system of the host's own programs, such as a Debian-like base image has."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

USR = ("bin", "lib", "lib64", "sbin")  # links to directories of /usr, where /usr is merged


def copy_programs(root: Path, programs: Iterable[str], data: Iterable[str] = ()) -> None:
    """Copy PROGRAMS (names) with their shared libraries, and the files or directories DATA, to ROOT by their paths."""
    for name in USR:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    paths = [shutil.which(name, path="/usr/sbin:/usr/bin") for name in programs]
    assert None not in paths, dict(zip(programs, paths))
    files = {os.path.realpath(path) for path in paths}
    for path in files:
        copy(root, path)
    for path in libraries(files):
        copy(root, path)
    for name, path in zip(programs, paths):
        if os.path.islink(path) and not os.path.lexists(f"{root}{path}"):
            os.symlink(os.path.relpath(os.path.realpath(path), os.path.dirname(path)), f"{root}{path}")
    for path in data:
        copy(root, path)


def copy(root: Path, path: str) -> None:
    """Copy the host's file or directory PATH to the same place below ROOT."""
    directory, name = os.path.split(path)
    target = Path(f"{root}{os.path.realpath(directory)}") / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
    elif not target.exists():
        shutil.copy(path, target)


def libraries(files: Iterable[str]) -> set[str]:
    """The shared libraries and loaders of FILES, by the names under which they are loaded."""
    listed = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    words = {word for line in listed.splitlines() for word in line.split() if word.startswith("/")}
    return {word for word in words if not word.endswith(":")}
