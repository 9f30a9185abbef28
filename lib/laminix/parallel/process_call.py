"""Calls in processes of their own, since of one process's threads only one runs Python at a time."""

import contextlib
import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from laminix.errors import LaminixError


def in_processes(work: Callable[..., Any], jobs: Sequence[tuple], processes: int) -> Iterator[Any]:
    """What WORK returns for the arguments in each of JOBS, in their order; at most PROCESSES at a time.

    Raises what the first failing job raises; the others are ended then, wherever they are.
    """
    if min(processes, len(jobs)) <= 1:
        yield from (work(*job) for job in jobs)
        return
    calls: list[Aside] = []
    try:
        for number in range(len(jobs)):
            _begin_calls(work, jobs, processes, calls, number)
            yield calls[number].result()
    finally:
        for call in calls:
            call.end()


def _begin_calls(work, jobs: Sequence[tuple], processes: int, calls: "list[Aside]", number: int) -> None:
    """Begin jobs until that of NUMBER is done, so that never more than PROCESSES are at work."""
    while len(calls) < len(jobs):
        busy = [call for call in calls if not call.is_done()]
        if len(busy) < processes:
            calls.append(Aside(work, *jobs[len(calls)]))
        elif number < len(calls) and calls[number].is_done():
            return
        else:
            select.select(busy, [], [])


class Aside:
    """A call of WORK in a process of its own, begun at once."""

    def __init__(self, work: Callable[..., Any], *arguments: Any):
        source, sink = os.pipe()
        self.pid = fork(lambda: _call(work, arguments, sink))
        os.close(sink)
        self._source = open(source, "rb")
        self._ended = False

    def fileno(self) -> int:
        """What select() waits for until there is a result."""
        return self._source.fileno()

    def is_done(self) -> bool:
        """Whether ``result`` would not have to wait."""
        return self._ended or has_news(self)

    def result(self) -> Any:
        """What the call returns; raises what it raises."""
        data = self._source.read()
        self.end()
        if not data:
            raise killed()
        result, failure = pickle.loads(data)
        if failure is not None:
            raise failure
        return result

    def end(self) -> None:
        """End the process, wherever it is."""
        if not self._ended:
            self._ended = True
            end_process(self.pid)
            self._source.close()


def has_news(source: Any) -> bool:
    """Whether reading from the unbuffered SOURCE would not have to wait."""
    return bool(select.select([source], [], [], 0)[0])


def killed() -> LaminixError:
    """The error for a process that is gone before it said what came of its work."""
    return LaminixError("cannot go on", "a process that did a part was killed from outside")


def fork(work: Callable[[], Any]) -> int:
    """A process that does WORK and no more; returns its process id."""
    pid = os.fork()
    if not pid:
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work()
        finally:
            # Nothing that the other process has begun is to be ended twice.
            os._exit(1)
    return pid


def end_process(pid: int) -> None:
    """End the process PID, wherever it is."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _call(work: Callable[..., Any], arguments: tuple, sink: int) -> None:
    """Do WORK and tell what came of it."""
    import threading  # 1 ms, and the first process needs none

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        said = work(*arguments), None
    except Exception as error:
        said = None, error
    with open(sink, "wb") as file, contextlib.suppress(BrokenPipeError):
        pickle.dump(said, file)


def _end_with(parent: int) -> NoReturn:
    """End this process with PARENT, which may have no time to end it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
