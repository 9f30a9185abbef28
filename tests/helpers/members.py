"""What a directory or a tar is to hold, said once: names, and their content, link or nothing."""

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
    """A hard link to an earlier member."""

    target: str


DIRECTORY = None  # in place of content
Members = dict[str, bytes | Link | HardLink | None]


def busybox() -> Members:
    """A root in which programs can be run."""
    with open(BUSYBOX, "rb") as file:
        program = file.read()
    links = {f"bin/{applet}": Link("busybox") for applet in APPLETS}
    return {"bin": DIRECTORY, "bin/busybox": program, **links}


def tar(members: Members) -> bytes:
    """A tar with MEMBERS, in that order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            archive.addfile(*_member(name, content))
    return buffer.getvalue()


def write_tar(path: str, members: Members) -> str:
    """PATH, where a tar with MEMBERS stands then."""
    with open(path, "wb") as file:
        file.write(tar(members))
    return path


def write_directory(path: str, members: Members) -> str:
    """PATH, where a directory with MEMBERS stands then."""
    os.mkdir(path)
    for name, content in members.items():
        place = os.path.join(path, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        _write(place, content, _mode(name))
    return path


def _member(name: str, content: bytes | Link | HardLink | None) -> tuple[tarfile.TarInfo, io.BytesIO]:
    member = tarfile.TarInfo(name)
    member.mode = _mode(name)
    data = content if isinstance(content, bytes) else b""
    member.size = len(data)
    if content is DIRECTORY:
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    elif isinstance(content, Link):
        member.type, member.linkname = tarfile.SYMTYPE, content.target
    elif isinstance(content, HardLink):
        member.type, member.linkname = tarfile.LNKTYPE, content.target
    return member, io.BytesIO(data)


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
    """Of a file: what is in a bin/ can be executed."""
    return 0o755 if "bin" in name.split("/")[:-1] else 0o644
