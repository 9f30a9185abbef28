"""The root directory of a step: the merged tree, and mounted in it /proc, /dev, perhaps /tmp, and paths from outside."""

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from laminix.errors import LaminixError
from laminix.root_step import linux
from laminix.root_step.step_tree import StepTree

WHAT = "cannot run a command as root"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
    "ptmx": "pts/ptmx",
}


class Bind(NamedTuple):
    """A file or directory from outside that is seen in the root directory."""

    source: str
    target: str  # absolute, in the root directory
    writable: bool = False


class Places(NamedTuple):
    """Where to mount what, below the root directory."""

    proc: str
    dev: str
    tmp: str | None  # None: what the command writes to /tmp is part of the layer
    binds: tuple[tuple[Bind, str], ...]


def make_places(tree: StepTree, binds: Sequence[Bind], keep_tmp: bool = False) -> Places:
    """Make the mount points in TREE, which is not mounted yet; with KEEP_TMP, /tmp is none.

    Raises LaminixError where a source is missing.
    """
    proc, dev = (_place(tree, name, True) for name in ("proc", "dev"))
    tmp = None if keep_tmp else _place(tree, "tmp", True)
    for bind in binds:
        if not os.path.exists(bind.source):
            raise LaminixError("cannot bind", "no such file or directory", bind.source)
    return Places(
        proc, dev, tmp, tuple((bind, _place(tree, bind.target, os.path.isdir(bind.source))) for bind in binds)
    )


def _place(tree: StepTree, path: str, is_directory: bool) -> str:
    return os.path.join("root", os.fsdecode(tree.add_mount_point(os.fsencode(path), is_directory)))


def mount_merged() -> None:
    """Mount the overlay of the directories that a StepTree has laid out, at "merged".

    Raises LaminixError where overlayfs is forbidden.
    """
    # userxattr: marks that an unprivileged user may set.  xino=off: inode numbers are those of the layers.
    # volatile: files are not synced one by one.
    options = "lowerdir=directories:lower:base,upperdir=upper,workdir=work,userxattr,xino=off,volatile"
    try:
        linux.mount("overlay", "merged", "overlay", 0, options)
    except OSError as error:
        raise LaminixError(WHAT, _overlay_remedy(error)) from None


def _overlay_remedy(error: OSError) -> str:
    if error.errno == errno.ENODEV:
        return "the kernel has no overlayfs: load its module (modprobe overlay)"
    if error.errno in (errno.EPERM, errno.EACCES):
        return "overlayfs is forbidden: it takes Linux 5.11 or later and, in a container, mount in its seccomp profile"
    return f"overlayfs is refused ({error.strerror}): on tmpfs it takes Linux 6.6; set TMPDIR to a directory on a disk"


def mount_root(places: Places) -> None:
    """Mount "merged" at "root", and in it what a program expects of a root directory, at PLACES."""
    linux.mount("merged", "root", "", linux.MS_BIND)
    mount_proc(places.proc)
    if places.tmp is not None:
        linux.mount("tmpfs", places.tmp, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
    _mount_dev(places.dev)
    for bind, place in places.binds:
        _bind(bind, place)


def mount_proc(place: str) -> None:
    """Mount a /proc of this PID namespace; raises LaminixError where that is forbidden."""
    try:
        linux.mount("proc", place, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    except PermissionError:
        why = "mounting /proc is forbidden: run the container with --security-opt unmask=ALL"
        raise LaminixError(WHAT, why) from None


def _bind(bind: Bind, place: str) -> None:
    try:
        if not os.path.lexists(place):  # in the new /tmp or /dev
            make_mount_point(place, os.path.isdir(bind.source))
        linux.mount(bind.source, place, "", linux.MS_BIND | linux.MS_REC)
        if not bind.writable:
            linux.make_read_only(place)
    except OSError as error:
        raise LaminixError("cannot bind", error.strerror or str(error), bind.source) from None


def make_mount_point(place: str, is_directory: bool) -> None:
    """Make the directory or file PLACE, and the directories above it, where there are none."""
    os.makedirs(place if is_directory else os.path.dirname(place), exist_ok=True)
    if not is_directory:
        os.mknod(place)


def _mount_dev(directory: str) -> None:
    linux.mount("tmpfs", directory, "tmpfs", linux.MS_NOSUID, "mode=755")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            os.close(os.open(f"{directory}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
            linux.mount(f"/dev/{name}", f"{directory}/{name}", "", linux.MS_BIND)
    os.mkdir(f"{directory}/shm")
    os.chmod(f"{directory}/shm", 0o1777)
    os.mkdir(f"{directory}/pts")
    linux.mount("devpts", f"{directory}/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
    for name, target in LINKS.items():
        os.symlink(target, f"{directory}/{name}")
