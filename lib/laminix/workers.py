"""The same work many times over, in processes of their own, since Python runs one thread at a time."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def in_processes(work: Callable[..., Any], jobs: Sequence[tuple], processes: int) -> Iterator[Any]:
    """What WORK returns for the arguments in each of JOBS, in their order; at most PROCESSES at a time.

    Raises what the first failing job raises; jobs that have not begun by then are left undone.
    """
    count = min(processes, len(jobs))
    if count <= 1:
        yield from (work(*job) for job in jobs)
        return
    with ProcessPoolExecutor(count, mp_context=_context()) as pool:
        futures = [pool.submit(work, *job) for job in jobs]
        try:
            yield from (future.result() for future in futures)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _context():
    """Forked where that can be: a new interpreter for each process would cost as much as a small layer."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else methods[0])
