"""Directories and tars made from a dictionary of file names and contents."""

import io
import os
import tarfile
from dataclasses import dataclass

BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "cat", "echo", "env", "find", "id", "ls", "rm", "sort", "test")


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class HardLink:
    """A hard link to an earlier file of the same tree."""

    target: str


DIRECTORY = None  # the content of a directory
FileTree = dict[str, bytes | Link | HardLink | None]


def busybox() -> FileTree:
    """A root file system with a shell and a few commands, all of them busybox."""
    with open(BUSYBOX, "rb") as file:
        program = file.read()
    links = {f"bin/{applet}": Link("busybox") for applet in APPLETS}
    return {"bin": DIRECTORY, "bin/busybox": program, **links}


def tar(tree: FileTree) -> bytes:
    """A tar with the entries of TREE, in the order of the dictionary."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in tree.items():
            archive.addfile(*_entry(name, content))
    return buffer.getvalue()


def write_tar(path: str, tree: FileTree) -> str:
    """Write a tar with the entries of TREE to PATH, and return PATH."""
    with open(path, "wb") as file:
        file.write(tar(tree))
    return path


def write_directory(path: str, tree: FileTree) -> str:
    """Make a directory with the files of TREE at PATH, and return PATH."""
    os.mkdir(path)
    for name, content in tree.items():
        place = os.path.join(path, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        _write(place, content, _mode(name))
    return path


def _entry(name: str, content: bytes | Link | HardLink | None) -> tuple[tarfile.TarInfo, io.BytesIO]:
    entry = tarfile.TarInfo(name)
    entry.mode = _mode(name)
    data = content if isinstance(content, bytes) else b""
    entry.size = len(data)
    if content is DIRECTORY:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    elif isinstance(content, Link):
        entry.type, entry.linkname = tarfile.SYMTYPE, content.target
    elif isinstance(content, HardLink):
        entry.type, entry.linkname = tarfile.LNKTYPE, content.target
    return entry, io.BytesIO(data)


def _write(place: str, content: bytes | Link | None, mode: int) -> None:
    if content is DIRECTORY:
        os.makedirs(place, exist_ok=True)
    elif isinstance(content, Link):
        os.symlink(content.target, place)
    else:
        with open(place, "wb") as file:
            file.write(content)
        os.chmod(place, mode)


def _mode(name: str) -> int:
    """Mode of the file NAME: executable below a directory bin."""
    return 0o755 if "bin" in name.split("/")[:-1] else 0o644
