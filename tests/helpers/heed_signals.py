"""A process that heeds the signals it is sent, whatever the tests' caller made of them."""

import signal


def heed_signals() -> None:
    """Undo what nohup, or a shell for its background jobs, has set; to be called in the new process."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
