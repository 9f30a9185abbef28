"""Default signal handling for a process that a test starts and signals."""

import signal


def restore_default_signals() -> None:
    """Undo signals ignored by nohup, or by a shell for background jobs.  Call it in the new process (preexec_fn)."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
