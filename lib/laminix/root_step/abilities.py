"""What the machine has to allow, tried out before any work."""

import os
import signal
from collections.abc import Callable

from laminix.errors import LaminixError
from laminix.root_step import linux, seccomp_filter
from laminix.root_step.merged_root import WHAT, mount_merged, mount_proc
from laminix.root_step.step_tree import StepTree


def check_abilities(place: str) -> None:
    """Try it all in the new directory PLACE.

    Called in the first process of a new PID namespace. Raises LaminixError, which says what to set, where overlayfs,
    /proc, ptrace or seccomp is forbidden.
    """
    os.mkdir(place)
    before = os.open(".", os.O_PATH)
    os.chdir(place)
    StepTree(None, ())
    mount_merged()
    mount_proc("root")
    for mounted in ("root", "merged", "directories"):
        linux.unmount(mounted)
    os.fchdir(before)
    os.close(before)
    _check_ptrace()


def _check_ptrace() -> None:
    ready, go_on = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_on)
        os.read(ready, 1)
        _exit_with_success_of(lambda: seccomp_filter.install([(seccomp_filter.RETURN, 0, 0, seccomp_filter.ALLOW)]))
    os.close(ready)
    try:
        linux.ptrace(linux.PTRACE_SEIZE, child)
    except OSError as error:
        os.kill(child, signal.SIGKILL)
        why = (
            f"ptrace is forbidden ({os.strerror(error.errno)}): set sysctl kernel.yama.ptrace_scope to 2 or less;"
            " in a container, allow ptrace in its seccomp profile"
        )
        raise LaminixError(WHAT, why) from None
    finally:
        os.close(go_on)
        _, status = os.waitpid(child, 0)
    if status:
        why = "seccomp filters are forbidden: allow seccomp and prctl in the container's seccomp profile"
        raise LaminixError(WHAT, why)


def _exit_with_success_of(act: Callable[[], None]) -> None:
    try:
        act()
        os._exit(0)
    finally:
        os._exit(1)
