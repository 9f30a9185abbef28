"""The same work many times over, in processes of their own, since Python runs one thread at a time."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from laminix.errors import LaminixError


def in_processes(work: Callable[..., Any], jobs: Sequence[tuple], processes: int) -> Iterator[Any]:
    """What WORK returns for the arguments in each of JOBS, in their order; at most PROCESSES at a time.

    Raises what the first failing job raises; the others are ended then, wherever they are.
    """
    count = min(processes, len(jobs))
    if count <= 1:
        yield from (work(*job) for job in jobs)
        return
    with ProcessPoolExecutor(count, _context(), initializer=_begin, initargs=(os.getpid(),)) as pool:
        try:
            futures = [pool.submit(work, *job) for job in jobs]
            yield from (future.result() for future in futures)
        except BrokenProcessPool:
            raise LaminixError("cannot go on", "a process that did a part was killed from outside") from None
        except BaseException:
            # Nobody wants the others' results any more, and a layer may take minutes.
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _context():
    """Forked where that can be: a new interpreter for each process would cost as much as a small layer."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else methods[0])


def _begin(parent: int) -> None:
    """What each process does first: let PARENT decide when it ends, and end with it at the latest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all of them
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
