"""Function calls in processes of their own, for work that is pure Python."""

import contextlib
import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from laminix.errors import LaminixError


def map_in_processes(work: Callable[..., Any], jobs: Sequence[tuple], processes: int) -> Iterator[Any]:
    """Yield what WORK returns for the arguments in each of JOBS, in order, PROCESSES at a time.

    Raises what the first failing job raises, after ending the other processes.
    """
    if min(processes, len(jobs)) <= 1:
        yield from (work(*job) for job in jobs)
        return
    calls: list[ProcessCall] = []
    try:
        for number in range(len(jobs)):
            _begin_calls(work, jobs, processes, calls, number)
            yield calls[number].result()
    finally:
        for call in calls:
            call.end()


def _begin_calls(work, jobs: Sequence[tuple], processes: int, calls: "list[ProcessCall]", number: int) -> None:
    """Start jobs, at most PROCESSES at a time, until job NUMBER is done or all have started."""
    while len(calls) < len(jobs):
        busy = [call for call in calls if not call.is_done()]
        if len(busy) < processes:
            calls.append(ProcessCall(work, *jobs[len(calls)]))
        elif number < len(calls) and calls[number].is_done():
            return
        else:
            wait_for(busy)


class ProcessCall:
    """A call of WORK(*ARGUMENTS) in a new process, started at once."""

    def __init__(self, work: Callable[..., Any], *arguments: Any):
        source, sink = os.pipe()
        self.pid = fork(lambda: _call(work, arguments, sink))
        os.close(sink)
        self._source = open(source, "rb")
        self._ended = False

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when there is a result, for poll()."""
        return self._source.fileno()

    def is_done(self) -> bool:
        """Return whether ``result`` would return without waiting."""
        return self._ended or is_ready(self)

    def result(self) -> Any:
        """Wait for the call and return what it returns; raises what it raises."""
        data = self._source.read()
        self.end()
        if not data:
            raise worker_killed()
        result, failure = pickle.loads(data)
        if failure is not None:
            raise failure
        return result

    def end(self) -> None:
        """End the process, whatever it is doing."""
        if not self._ended:
            self._ended = True
            end_process(self.pid)
            self._source.close()


def is_ready(source: Any) -> bool:
    """Return whether the unbuffered SOURCE can be read without waiting."""
    return wait_for([source], 0)


def wait_for(sources: Iterable[Any], milliseconds: int | None = None) -> bool:
    """Wait until one of SOURCES can be read, or for MILLISECONDS; return whether one can.

    With poll(), because select() fails for descriptors above 1023.
    """
    poll = select.poll()
    for source in sources:
        poll.register(source, select.POLLIN)
    return bool(poll.poll(milliseconds))


def worker_killed() -> LaminixError:
    """Return the error for a process that ended before it reported a result."""
    return LaminixError("cannot continue", "a worker process was killed (out of memory?)")


def fork(work: Callable[[], Any]) -> int:
    """Start a process that calls WORK and then exits; return its process ID."""
    pid = os.fork()
    if not pid:
        try:
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # a terminal sends SIGINT to all processes; the parent ends this one
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work()
        finally:
            # Skip the exit handlers and "finally" blocks that belong to the parent.
            os._exit(1)
    return pid


def end_process(pid: int) -> None:
    """Kill the process PID and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _call(work: Callable[..., Any], arguments: tuple, sink: int) -> None:
    """Call WORK and send its result, or the exception it raised, to the parent."""
    import threading  # takes 1 ms, which the parent need not spend

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        outcome = work(*arguments), None
    except Exception as error:
        outcome = None, error
    with open(sink, "wb") as file, contextlib.suppress(BrokenPipeError):
        pickle.dump(outcome, file)


def _end_with(parent: int) -> NoReturn:
    """Exit when PARENT is gone, even if it was killed and could not end this process."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
