"""A listening socket that systemd has opened and passed on (sd_listen_fds(3))."""

import socket
from collections.abc import Mapping

from laminix.errors import LaminixError

FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START
NO_SOCKET = "cannot serve"


def passed_socket(environment: Mapping[str, str], process: int) -> socket.socket:
    """Return the socket that ENVIRONMENT says was passed to PROCESS.

    Raises LaminixError unless that is one listening TCP socket.
    """
    if environment.get("LISTEN_PID") != str(process):
        why = "found no socket from systemd ($LISTEN_PID); start it by a socket unit, or with systemd-socket-activate"
        raise LaminixError(NO_SOCKET, why)
    if environment.get("LISTEN_FDS") != "1":
        found = environment.get("LISTEN_FDS", "none")
        raise LaminixError(NO_SOCKET, f"found {found} sockets from systemd ($LISTEN_FDS), expected 1")
    passed = socket.socket(fileno=FIRST_DESCRIPTOR)
    is_tcp = passed.family in (socket.AF_INET, socket.AF_INET6) and passed.type == socket.SOCK_STREAM
    if not is_tcp or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise LaminixError(NO_SOCKET, "found another socket from systemd, expected one that listens with TCP")
    passed.set_inheritable(False)
    return passed
