"""Namespaces of one's own: root of a user namespace, and a process whose end ends all that it started.

See user_namespaces(7), pid_namespaces(7).  Only one id is mapped: the user's own, as 0.
"""

import errno
import fcntl
import os
import pickle
import select
import signal
import socket
import struct
from collections.abc import Callable
from typing import Any

from laminix.errors import LaminixError
from laminix.root_step import linux

WHAT = "cannot become root of a user namespace"
HOST_NAME = "localhost"
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40  # netdevice(7)


def become_root(own_network: bool = True) -> None:
    """Make this process root of a user namespace; its children get process 1 of a PID namespace.

    Raises LaminixError, which says what to set, where that is forbidden.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = linux.CLONE_NEWUSER | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
    try:
        linux.unshare(flags | (linux.CLONE_NEWNET if own_network else 0))
        for name, text in ("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1"):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as error:
        raise LaminixError(WHAT, _remedy(error)) from None
    if own_network:
        _start_loopback()


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "no more user namespaces are allowed: set sysctl user.max_user_namespaces to 1000 or more"
    if error.errno in (errno.EPERM, errno.EACCES):
        return (
            "user namespaces are forbidden: set sysctl kernel.unprivileged_userns_clone=1 and"
            " kernel.apparmor_restrict_unprivileged_userns=0 where they exist; in a container, allow unshare"
            " in its seccomp profile"
        )
    return f"the system refuses: {error.strerror}"


def _start_loopback() -> None:
    request = struct.pack("=16sH14x", b"lo", IFF_UP | IFF_RUNNING)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def as_first_process(work: Callable[[], Any], attend: Callable[[int, int], None]) -> Any:
    """What WORK returns, called in process 1 of a new PID namespace; raises what it raises.

    The namespace ends with that process, and it ends with this one, however this one ends.
    ``become_root`` has to have been called.  ATTEND is called meanwhile in this process, with the ID of the
    other one and a descriptor that can be read when WORK has returned.
    """
    alive, _alive = os.pipe()
    outcome, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(_alive)
        os.close(outcome)
        _report(work, alive, report)
    os.close(alive)
    os.close(report)
    try:
        attend(pid, outcome)
        with open(outcome, "rb") as file:
            data = file.read()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(_alive)
    if not data:
        raise LaminixError("cannot go on", "the process that does the work was killed from outside")
    result, failure = pickle.loads(data)
    if failure is not None:
        raise failure
    return result


def _separate_mounts() -> None:
    """Let nobody else see the mounts that this process makes; they end with it."""
    try:
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    except OSError as error:
        why = f"mounting is forbidden ({error.strerror}): in a container, allow mount in its seccomp profile"
        raise LaminixError(WHAT, why) from None


def _report(work: Callable[[], Any], alive: int, report: int) -> None:
    """Do WORK and write what comes of it to REPORT; never returns."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # the first process of a namespace ignores them then
        os.setsid()  # so that the terminal's signals go to the other process alone
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        if select.select([alive], [], [], 0)[0]:  # the other process ended before that
            os._exit(1)
        socket.sethostname(HOST_NAME)  # not this machine's, which is nothing for a layer
        _separate_mounts()
        said = work(), None
    except BaseException as error:
        said = None, error
    with open(report, "wb") as file:
        pickle.dump(said, file)
    os._exit(0)
