"""A terminal of a container's own, joined to the one that this process was started from (pty(7)).

The shell in a container needs a terminal that its session controls, or it has no job control; and what is typed
has to reach it as it is, Ctrl-C included.
"""

import array
import contextlib
import fcntl
import os
import select
import signal
import socket
import termios
import tty
from collections.abc import Callable, Iterator

TIOCGPTN, TIOCSPTLCK = 0x80045430, 0x40045431
CHUNK = 1 << 16


def is_interactive() -> bool:
    """Return whether standard input, output and error are all terminals."""
    return all(os.isatty(number) for number in (0, 1, 2))


def open_terminal(directory: str) -> tuple[int, int]:
    """Return both ends of a new terminal of the devpts at DIRECTORY: the one to relay, and the program's."""
    relayed = os.open(f"{directory}/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(relayed, TIOCSPTLCK, array.array("i", [0]))
    number = array.array("i", [0])
    fcntl.ioctl(relayed, TIOCGPTN, number)
    return relayed, os.open(f"{directory}/{number[0]}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def control(terminal: int) -> None:
    """Make TERMINAL the controlling terminal and the standard streams of this process."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(terminal, number)


def relay(channel: socket.socket, ended: int) -> None:
    """Copy between this process's terminal and the one that CHANNEL sends, until ENDED can be read."""
    ready, _, _ = select.select([channel, ended], [], [])
    if channel not in ready:
        return
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    if not descriptors:
        return
    terminal = descriptors[0]
    with _raw(0), _following_size(terminal):
        _copy(terminal, ended)


def _copy(terminal: int, ended: int) -> None:
    sources = [0, terminal, ended]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if terminal in ready:
            try:
                os.write(1, os.read(terminal, CHUNK))
            except OSError:  # EIO: no program has it open any more
                return
        elif ended in ready:
            return
        elif data := os.read(0, CHUNK):
            os.write(terminal, data)
        else:
            sources.remove(0)


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _following_size(terminal: int) -> Iterator[None]:
    """Keep TERMINAL as large as this process's own."""
    take = _take_size(terminal)
    take()
    before = signal.signal(signal.SIGWINCH, lambda *_: take())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _take_size(terminal: int) -> Callable[[], None]:
    def take() -> None:
        size = array.array("H", [0, 0, 0, 0])
        fcntl.ioctl(0, termios.TIOCGWINSZ, size)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)

    return take
