"""OCI runtime bundles of images (runtime-spec bundle.md, config.md), for runc, crun and systemd-nspawn.

A bundle's root directory has mount points for what lies in the Nix store, so it takes kilobytes: store paths, and the
tree of an unpacked image. It is read-only, as the bundle itself may be in the store.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from laminix import strict_json
from laminix.errors import LaminixError
from laminix.images.image import Image, StoredLayer
from laminix.root_step.merged_root import Bind, make_mount_point
from laminix.root_step.step import DEFAULT_PATH, Command
from laminix.root_step.unpack import unpack
from laminix.root_step.unpacked import LIST, TREE, Unpacked, read_unpacked
from laminix.root_step.user import find_user, read_start
from laminix.tar.entries import DIRECTORY, FILE

OCI_VERSION = "1.0.0"  # systemd-nspawn takes no other
ROOTFS = "rootfs"
# What docker gives a container's root.
CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID"
        " SYS_CHROOT"
    ).split()
]
NAMESPACES = ("pid", "ipc", "uts", "mount")
MASKED = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def _mount(target: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": kind, "options": list(options)}


MOUNTS = (
    _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
    _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
    _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
    _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
    _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
    _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
    _mount("/run", "tmpfs", "nosuid", "nodev", "mode=755"),
    _mount("/tmp", "tmpfs", "nosuid", "nodev", "mode=1777"),
)


def write_bundle(
    directory: str, files: Unpacked | Sequence[StoredLayer], image: Image | None, command: Command, terminal: bool
) -> None:
    """Write a bundle that runs COMMAND into DIRECTORY, which is empty.

    FILES are bound if they are an unpacked image; layers of IMAGE are unpacked into the bundle.
    """
    rootfs = os.path.join(directory, ROOTFS)
    if isinstance(files, Unpacked):
        os.mkdir(rootfs)
        binds, tree = _bind_tree(files, rootfs), files.tree
    else:
        _unpack_layers(replace(image, layers=tuple(files)), directory)
        binds, tree = [], rootfs
    binds += command.binds
    for bind in binds:
        _make_mount_point(rootfs, bind.target, os.path.isdir(bind.source))
    _make_mount_point(rootfs, "/usr", True)  # systemd-nspawn refuses a root directory without it
    for mount in MOUNTS:
        if not mount["destination"].startswith("/dev/"):
            _make_mount_point(rootfs, mount["destination"], True)
    config = _config(command, tree, binds, terminal)
    with open(os.path.join(directory, "config.json"), "wb") as file:
        file.write(strict_json.dumps(config))


def _unpack_layers(image: Image, directory: str) -> None:
    """Unpack IMAGE to the root directory of the bundle, with its modes. All files belong to the user who makes the bundle."""
    unpack(image, directory)
    for entry in reversed(read_unpacked(directory).entries):
        if entry.type in (FILE, DIRECTORY):
            os.chmod(os.path.join(os.fsencode(directory), TREE.encode(), entry.path), entry.mode & 0o777 | 0o400)
    os.unlink(os.path.join(directory, LIST))
    os.rename(os.path.join(directory, TREE), os.path.join(directory, ROOTFS))


def _bind_tree(files: Unpacked, rootfs: str) -> list[Bind]:
    """Bind everything at the top of an unpacked image; links are made anew, and mount points stay the bundle's own."""
    own = {mount["destination"].lstrip("/") for mount in MOUNTS}
    binds = []
    for name in sorted(os.listdir(files.tree)):
        source = os.path.join(files.tree, name)
        if os.path.islink(source):
            os.symlink(os.readlink(source), os.path.join(rootfs, name))
        elif name not in own:
            binds.append(Bind(os.path.abspath(source), f"/{name}"))
    return binds


def _make_mount_point(rootfs: str, target: str, is_directory: bool) -> None:
    place = os.path.join(rootfs, target.lstrip("/"))
    if not os.path.lexists(place):
        make_mount_point(place, is_directory)


def _config(command: Command, tree: str, binds: Sequence[Bind], terminal: bool) -> dict[str, Any]:
    """config.json (runtime-spec config.md, config-linux.md)."""
    user = find_user(command.user, lambda path: _read_in(tree, path))
    environment = {"PATH": DEFAULT_PATH, "HOME": user.home, **command.environment}
    capabilities = CAPABILITIES if user.ids.users.effective == 0 else []
    namespaces = (*NAMESPACES, *(["network"] if command.own_network else []))
    return {
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": terminal,
            "user": {
                "uid": user.ids.users.real,
                "gid": user.ids.groups.real,
                "additionalGids": list(user.ids.supplementary),
            },
            "args": list(command.words),
            "env": [f"{name}={value}" for name, value in environment.items()],
            "cwd": command.directory,
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities)
            | {"bounding": CAPABILITIES},
            "noNewPrivileges": False,
        },
        "root": {"path": ROOTFS, "readonly": True},
        "hostname": "localhost",
        "mounts": [*MOUNTS, *map(_bind_mount, binds)],
        "linux": {
            "namespaces": [{"type": name} for name in namespaces],
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
        },
    }


def _bind_mount(bind: Bind) -> dict[str, Any]:
    options = ["rbind", "nosuid", "nodev", "rw" if bind.writable else "ro"]
    return {"destination": bind.target, "type": "bind", "source": bind.source, "options": options}


def _read_in(tree: str, path: str) -> str:
    """Return the text of the file at PATH in TREE, empty if there is none: links could lead to files of this machine."""
    place = os.path.join(os.path.realpath(tree), path.lstrip("/"))
    try:
        return read_start(place) if os.path.realpath(place) == place else ""
    except (OSError, LaminixError):
        return ""
