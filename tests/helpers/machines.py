"""Machines as a newcomer has them: a root tree of Debian, entered with an environment that says nothing.

A machine is a stack of directories: bare Debian at the bottom, made once and kept in the cache, and on it
what was installed or changed since.  Whoever enters one has namespaces of its own and the machine's tree as /.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from checkout import copy_tree
from engines import daemon
from engines.isolation import ISOLATED

SUITE = "trixie"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laminix" / "machines"
NEEDED = ("mmdebstrap", "apt-get", "unshare", "setpriv", "pivot_root")
CLONE = "/home/newcomer/laminix"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $1 lower directories, $2 a directory for the rest, $3 archives of packages, $4 what else is to be seen, as
# /run/outside; then the command.  pivot_root and not chroot: within a chroot nobody may make a user namespace.
# What engines store is no overlay, since they put overlays on it.
ENTER = """
lower=$1 state=$2 archives=$3 outside=$4 root=$2/root
shift 4
mount -t overlay -o "lowerdir=$lower,upperdir=$state/upper,workdir=$state/work" machine "$root"
cd "$root"
mount --rbind /dev dev && mount --rbind /sys sys && mount -t proc proc proc
mount -t tmpfs tmpfs run && mount -t tmpfs tmpfs tmp
mkdir -p var/lib/containers "$state/containers" run/outside
mount --bind "$state/containers" var/lib/containers
mount --bind "$archives" var/cache/apt/archives
mount --bind "$outside" run/outside
pivot_root . mnt
umount -l /mnt
exec "$@"
"""

# The command, in a user namespace that has the machine's users and below which nobody may make another.
WITHOUT_NAMESPACES = """
unshare --user sleep infinity &
while [ "$(readlink /proc/$!/ns/user)" = "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
echo 0 0 65536 >/proc/$!/uid_map
echo 0 0 65536 >/proc/$!/gid_map
exec nsenter --user --target $! sh -euc 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh "$@"
"""


@dataclass(frozen=True)
class Machine:
    """A root tree: LOWER, the topmost directory first, and STATE, a directory for all that changes."""

    lower: tuple[str, ...]
    state: str
    archives: str

    @classmethod
    def on(cls, lower: tuple[str, ...], archives: str) -> "Machine":
        """A machine that has what the directories LOWER have; `remove` takes it away."""
        state = tempfile.mkdtemp(prefix="lx-", dir="/tmp")
        os.chmod(state, 0o755)
        for name in ("upper", "work", "root"):
            os.mkdir(f"{state}/{name}")
        os.chmod(f"{state}/upper", 0o755)
        return cls(lower, state, archives)

    def next(self) -> "Machine":
        """A machine that begins as this one is now."""
        return self.on((f"{self.state}/upper", *self.lower), self.archives)

    def remove(self) -> None:
        daemon.remove(self.state)

    def run(
        self,
        script: str,
        user: str = "root",
        before: str = "",
        outside: str | None = None,
        namespaces: bool = True,
    ) -> subprocess.CompletedProcess:
        """The ended SCRIPT, run by a shell as USER in the home directory, with nothing in the environment.

        BEFORE is run first, by root.  The directory OUTSIDE of the test's machine is seen as /run/outside.
        Without NAMESPACES, no user namespace can be made.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        places = [":".join(self.lower), self.state, self.archives, outside or self.archives]
        enter = ["sh", "-euc", ENTER, "enter", *places]
        clean = ["env", "-i", f"PATH={PATH}", f"HOME={home}", f"USER={user}", "LANG=C.UTF-8"]
        first = ["sh", "-euc", f'{before}\nexec "$@"', "before"]
        narrow = [] if namespaces else ["sh", "-euc", WITHOUT_NAMESPACES, "narrow"]
        become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        return subprocess.run(
            [*ISOLATED, *enter, *clean, *first, *narrow, *become, "sh", "-c", f'cd "$HOME"\n{script}'],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def check(self, script: str, user: str = "root", **how) -> str:
        """What SCRIPT prints, run as `run` does; a failure fails the test."""
        ended = self.run(script, user, **how)
        assert ended.returncode == 0, f"{ended.stdout[-1000:]}\n{ended.stderr[-3000:]}"
        return ended.stdout


def bare_machine() -> Machine:
    """Debian with nothing but a newcomer, and a clone in the newcomer's home; the tree is kept in CACHE."""
    tree, archives = CACHE / f"debian-{SUITE}", CACHE / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    if not tree.exists():
        draft = f"{tree}.{os.getpid()}"
        make = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--quiet", SUITE, draft]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        os.rename(draft, tree)
    machine = Machine.on((str(tree),), str(archives))
    upper = Path(machine.state, "upper")
    (upper / "etc").mkdir()
    shutil.copy("/etc/resolv.conf", upper / "etc")
    clone = Path(f"{upper}{CLONE}")
    clone.parent.mkdir(parents=True)
    copy_tree(clone)
    machine.check("useradd -M -s /bin/bash newcomer && chown -R newcomer: /home/newcomer")
    return machine
