"""A virtual machine for the NixOS test's script: the tree of systemd_node on a disk of QEMU.

It has KVM where the processor has VT-x or AMD-V, and is emulated elsewhere.
"""

import base64
import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import systemd_node
from engines import daemon

NEEDS = ("mkfs.ext4", "mmdebstrap", "qemu-system-x86_64", "xz")
# Its kernel needs no initial RAM disk: ext4, NVMe and the console are built in.
PACKAGES = [*systemd_node.PACKAGES, "linux-image-cloud-amd64"]
ROOT_SIZE, STORE_SIZE = "6G", "1G"
PATIENCE = 1200  # seconds; an emulated machine on a loaded one takes its time
READY = "The shell is ready."
KERNEL_ARGUMENTS = "root=/dev/nvme0n1 rw console=ttyS0 panic=-1 quiet net.ifnames=0 mitigations=off"

# A shell on the console that QEMU connects to a socket.  A unit for the mount would wait for udev, which is masked.
UNIT = "shell.service"
UNIT_TEXT = f"""\
[Service]
ExecStartPre=modprobe virtio_blk
ExecStartPre=mount --options ro /dev/vda /nix/store
ExecStart=bash -c 'exec </dev/hvc0 >/dev/hvc0; stty raw -echo; echo "{READY}"; exec bash --norc'
Environment=HOME=/root
WorkingDirectory=/root
[Install]
WantedBy=multi-user.target
"""
MASKED = (
    "serial-getty@hvc0.service serial-getty@ttyS0.service systemd-udevd-control.socket systemd-udevd-kernel.socket"
).split()


class VirtualMachine(systemd_node.Node):
    """Runs shell commands in the guest, whose shell is at the other end of CONNECTION."""

    patience = PATIENCE

    def __init__(self, connection: socket.socket):
        self._lines = connection.makefile("rwb")

    def execute(self, command: str) -> tuple[int, str]:
        """See ``Machine``."""
        quoted = shlex.quote(f"set -euo pipefail; {command}")
        self._lines.write(f"bash -c {quoted} </dev/null | (base64 -w 0; echo); echo ${{PIPESTATUS[0]}}\n".encode())
        self._lines.flush()
        output, status = self._line(), self._line()
        return int(status), base64.b64decode(output).decode(errors="replace")

    def wait_for_shell(self) -> None:
        """Wait until commands can be executed."""
        while self._line() != READY:
            pass

    def _line(self) -> str:
        line = self._lines.readline().decode()
        assert line.endswith("\n"), "the machine is gone"
        return line.strip()


def make_disk(cache: Path) -> Path:
    """Return the directory with ``vmlinuz`` and ``root.ext4``; they are made if CACHE has none of these packages."""
    tree = systemd_node.make_tree(cache, PACKAGES)
    disk = tree.with_name(f"{tree.name}-disk")
    if not disk.exists():
        draft = Path(f"{disk}.{os.getpid()}")
        draft.mkdir()
        _set_up(tree)
        [kernel] = (tree / "boot").glob("vmlinuz-*")
        shutil.copy(kernel, draft / "vmlinuz")
        _make_file_system(draft / "root.ext4", tree, ROOT_SIZE)
        draft.rename(disk)
    return disk


def _set_up(tree: Path) -> None:
    systemctl = ["systemctl", f"--root={tree}", "--quiet"]
    (tree / "etc/systemd/system" / UNIT).write_text(UNIT_TEXT)
    subprocess.run([*systemctl, "enable", UNIT], check=True)
    subprocess.run([*systemctl, "mask", *MASKED], check=True)
    # An emulated processor would spend seconds on decompressing modules.
    modules = list((tree / "usr/lib/modules").rglob("*.ko.xz"))
    if modules:
        subprocess.run(["xz", "--decompress", *modules], check=True)
    [version] = (tree / "usr/lib/modules").iterdir()
    subprocess.run(["chroot", tree, "depmod", version.name], check=True)


def _make_file_system(path: Path, tree: Path, size: str) -> None:
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", tree, path, size], check=True)


@contextlib.contextmanager
def running(disk: Path, store_paths: Sequence[str]) -> Iterator[VirtualMachine]:
    """A started machine with DISK, whose /nix/store has STORE_PATHS alone; nothing that it writes is kept."""
    with daemon.scratch() as directory:
        store = Path(directory, "store")
        store.mkdir()
        for path in store_paths:
            subprocess.run(["cp", "-a", path, store], check=True)
        _make_file_system(Path(directory, "store.ext4"), store, STORE_SIZE)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{directory}/shell")
        listener.listen(1)
        listener.settimeout(PATIENCE)
        with open(f"{directory}/console.log", "wb") as log:
            process = subprocess.Popen(_qemu(disk, directory), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            connection = listener.accept()[0]
            connection.settimeout(PATIENCE)
            machine = VirtualMachine(connection)
            machine.wait_for_shell()
            yield machine
        except Exception as error:
            error.add_note(Path(directory, "console.log").read_text(errors="replace")[-2000:])
            raise
        finally:
            process.kill()
            process.wait()


def _qemu(disk: Path, directory: str) -> list[str]:
    # A /dev/kvm without these (kvm_pvm) cannot run an unchanged kernel.
    has_kvm = re.search(r"\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text()) and Path("/dev/kvm").exists()
    accelerator = ["-accel", "kvm", "-cpu", "host"] if has_kvm else ["-accel", "tcg,thread=multi", "-cpu", "max"]
    argv = ["qemu-system-x86_64", "-machine", "q35", *accelerator, "-smp", "2", "-m", "2048", "-nodefaults"]
    argv += ["-display", "none", "-no-reboot", "-serial", "stdio", "-device", "virtio-rng-pci"]
    argv += ["-kernel", f"{disk}/vmlinuz", "-append", KERNEL_ARGUMENTS]
    # The kernel numbers disks of one kind in the order in which they answer.
    disks = (("root", f"{disk}/root.ext4", "nvme,serial=root"), ("store", f"{directory}/store.ext4", "virtio-blk"))
    for name, path, device in disks:
        argv += ["-drive", f"file={path},format=raw,if=none,id={name},snapshot=on"]
        argv += ["-device", f"{device},drive={name}"]
    argv += ["-chardev", f"socket,id=shell,path={directory}/shell", "-device", "virtio-serial"]
    return [*argv, "-device", "virtconsole,chardev=shell"]
