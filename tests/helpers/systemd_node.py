"""A node for the NixOS test's script: a Debian with a systemd, a network and engines of its own, in systemd-nspawn.

nixpkgs' test driver has nodes of this kind beside virtual machines. The tree is made once and kept in the cache.
"""

import contextlib
import hashlib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import nixos_test_driver
from engines import daemon

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laminix" / "machines"
NEEDS = ("mmdebstrap", "systemd-nspawn", "nsenter", "unshare")
SUITE = "trixie"
PACKAGES = (
    "containerd crun curl dbus docker-cli docker.io iproute2 iptables kmod netcat-openbsd nftables podman procps runc"
    " systemd-sysv"
).split()
# What nothing here waits for, and what would write to the console.
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer console-getty.service dpkg-db-backup.timer e2scrub_all.timer"
    " fstrim.timer getty@tty1.service systemd-firstboot.service systemd-hwdb-update.service systemd-logind.service"
    " systemd-udevd.service systemd-udev-trigger.service systemd-update-done.service"
).split()
# Layers of an overlay cannot lie on an overlay, which the node's own root is.
STORAGE = ("containerd", "containers", "docker")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_SECONDS = 30
BASIC_TARGET = "test -S /run/systemd/private && systemctl is-active basic.target >/dev/null"

# $1 the tree, $2 the directory of the node, then more options of systemd-nspawn.  The namespace of mounts is its own, and so is the group of processes;
# where this machine has the first version of control groups, the node has the second all the same.
START = """
if mountpoint -q /sys/fs/cgroup; then umount -R /sys/fs/cgroup; fi
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/laminix-$$"
echo $$ >"/sys/fs/cgroup/laminix-$$/cgroup.procs"
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes SYSTEMD_SECCOMP=0
exec systemd-nspawn --quiet --boot --directory="$1" --volatile=overlay --machine=docker --keep-unit --register=no \\
  --private-network --private-users=no --capability=all --link-journal=no --console=read-only --settings=no \\
  --resolv-conf=off --timezone=off --bind-ro=/nix/store --bind="$2/docker:/var/lib/docker" \\
  --bind="$2/containers:/var/lib/containers" --bind="$2/containerd:/var/lib/containerd" "${@:3}"
"""


def make_tree(cache: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Return the directory with the node's files; it is made if CACHE has none of this suite and PACKAGES."""
    key = hashlib.sha256(" ".join([SUITE, *packages, *MASKED]).encode()).hexdigest()[:16]
    tree = cache / f"node-{key}"
    if not tree.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(f"{tree}.{os.getpid()}")
        options = ["--variant=minbase", '--aptopt=APT::Install-Recommends "false"', f"--include={','.join(packages)}"]
        options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
        subprocess.run(["mmdebstrap", "--quiet", *options, SUITE, draft], check=True, stdout=subprocess.DEVNULL)
        _set_up(draft)
        draft.rename(tree)
    return tree


def _set_up(tree: Path) -> None:
    (tree / "etc/hostname").write_text("docker\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost docker\n")
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    (tree / "etc/resolv.conf").write_text("")
    (tree / "nix/store").mkdir(parents=True)
    for unit in MASKED:
        (tree / "etc/systemd/system" / unit).symlink_to("/dev/null")


class Node(nixos_test_driver.Machine):
    """Runs shell commands on the node whose first process is LEADER."""

    def __init__(self, leader: int):
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        self._enter = ["nsenter", "--target", str(leader), *namespaces]
        self._env = {"PATH": PATH, "HOME": "/root"}

    def wait_for_unit(self, unit: str) -> None:
        """Wait until UNIT is active; raise AssertionError if it fails, or is not active in time."""
        nixos_test_driver.wait_until(lambda: self._is_active(unit), unit, self.patience)

    def _is_active(self, unit: str) -> bool:
        state = self.succeed(f"systemctl show --property ActiveState --value {shlex.quote(unit)}").strip()
        assert state != "failed", self.execute(f"systemctl status --no-pager --full {shlex.quote(unit)}")[1]
        return state == "active"

    def wait_for_open_port(self, port: int) -> None:
        """Wait until something on the node listens on PORT; raise AssertionError if nothing does in time."""
        listens = f"nc -z 127.0.0.1 {port}"
        nixos_test_driver.wait_until(lambda: self.execute(listens)[0] == 0, f"port {port}", self.patience)


@contextlib.contextmanager
def running(tree: Path, *options: str) -> Iterator[Node]:
    """A started node with the files of TREE; all of it is gone at the end.  OPTIONS are more of systemd-nspawn's."""
    with daemon.scratch() as directory, open(f"{directory}/console.log", "wb") as log:
        for name in STORAGE:
            os.mkdir(f"{directory}/{name}")
        argv = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "bash",
            "-euc",
            START,
            "start",
            str(tree),
            directory,
            *options,
        ]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield _started(process, log.name)
        finally:
            _stop(process)


def _started(process: subprocess.Popen, log: str) -> Node:
    """The node, once its systemd has reached the basic target."""

    def is_up() -> bool:
        assert process.poll() is None, Path(log).read_text(errors="replace")
        # While nspawn sets the node up, it has other children, and before that it is a shell.
        leader = _leader(process.pid)
        return leader is not None and Node(leader).execute(BASIC_TARGET)[0] == 0

    nixos_test_driver.wait_until(is_up, "systemd")
    node = Node(_leader(process.pid))
    if "pids" not in node.succeed("cat /sys/fs/cgroup/cgroup.controllers").split():
        # This machine has that controller in the first version's hierarchies.
        node.succeed("printf '[containers]\\npids_limit = 0\\n' >/etc/containers/containers.conf")
    return node


def _stop(process: subprocess.Popen) -> None:
    # All processes of the node end with its first one; a request to stop would wait for every unit.
    with contextlib.suppress(ProcessLookupError):
        for leader in _children(process.pid):
            os.kill(leader, signal.SIGKILL)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            for group, _, _ in os.walk(f"{place}/laminix-{process.pid}", topdown=False):
                os.rmdir(group)


def _leader(process: int) -> int | None:
    """The first process of the node that the nspawn PROCESS has started, None if there is none yet."""
    if Path(f"/proc/{process}/comm").read_text() != "systemd-nspawn\n":
        return None
    children = _children(process)
    return children[0] if len(children) == 1 else None


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []
