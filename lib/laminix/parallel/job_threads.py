"""Jobs that wait for the network, a few at a time, each in a thread."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")


def in_threads(jobs: Iterable[Callable[[], Result]], threads: int, abort: Callable[[], None]) -> list[Result]:
    """Return what JOBS return, in their order. If one raises, call ABORT, which must end the others, and raise that."""
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            abort()
            for future in futures:
                future.cancel()
            raise
