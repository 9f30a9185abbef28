"""Worker processes that turn jobs into chunks of bytes; the consumer gets the chunks in the order of the jobs.

For work that is pure Python: only one thread of a process runs Python at a time. Chunks lie in memory that both
processes share, so they are never copied. Pipes carry jobs (a few kilobytes each) and the lengths of chunks.
"""

import contextlib
import mmap
import os
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NoReturn

from laminix.parallel.chunks import CHUNK_SIZE
from laminix.parallel.process_call import end_process, fork, is_ready, worker_killed

CHUNKS_AHEAD = 32  # limit of finished chunks a worker may hold, so that memory stays constant
JOBS_AHEAD = 2  # jobs that a worker holds, so that it never waits for the next
MAX_WORKERS = 3  # three workers keep one hashing process busy
# The consumer makes the chunks of a job itself after waiting this many times. If it did so every time, the
# workers' memory would fill up and stall them; if it never did, the consumer would idle.
# Measured with 50,000 files: every time 0.55 s, after two waits 0.51 s, never 0.53 s.
WAITS_BEFORE_HELPING = 2

NewChunk = Callable[[], memoryview]
# Yields the chunks of a job, each written to the start of a NewChunk; its return value is the job's result.
MakeChunks = Callable[[Any, NewChunk], Generator[memoryview, None, Any]]

# A message is one of these bytes and a length of 8 bytes; after JOB follow that many bytes of pickled job.
JOB, TAKEN = b"J", b"T"  # consumer to worker
MADE, DONE, FAILED = b"M", b"D", b"F"  # worker to consumer: the next chunk in memory is a chunk, a result, an error
LENGTH_SIZE = 8


def chunks_in_order(
    make: MakeChunks, jobs: Iterable[Any], processes: int, on_result: Callable[[Any], Any]
) -> Iterator[memoryview]:
    """Yield the chunks that MAKE makes of each job, in the order of JOBS.

    PROCESSES counts this process too. With more than one, a chunk is valid only until the next is requested.
    Calls ON_RESULT with what MAKE returns for each job. Raises what MAKE raises.
    """
    if processes == 1:
        for job in jobs:
            on_result((yield from make(job, _new_chunk)))
        return
    workers: list[_Worker] = []
    try:
        yield from _chunks_of_jobs(make, jobs, workers, min(processes - 1, MAX_WORKERS), on_result)
    finally:
        for worker in workers:
            worker.end()


def _chunks_of_jobs(
    make: MakeChunks, jobs: Iterable[Any], workers: list["_Worker"], limit: int, on_result: Callable[[Any], Any]
) -> Iterator[memoryview]:
    """Yield the chunks of each job in order; jobs go to worker processes, or run here when all are busy.

    Appends to WORKERS until it has LIMIT of them.
    """
    own_chunk = _new_chunk()
    free: deque[_Worker] = deque()  # a worker appears once for each job it can still take
    begun: deque[tuple[_Worker | None, Generator]] = deque()  # who makes each job, and its chunks
    waits = 0
    for job in jobs:
        if len(workers) < limit:
            workers.append(_Worker(make))
            free.appendleft(workers[-1])
            free.extend(workers[-1:] * (JOBS_AHEAD - 1))
        while not free:
            on_result((yield from _finish(begun, free)))
            waits += not any(worker.is_ready() for worker in workers)
        if waits >= WAITS_BEFORE_HELPING:
            waits = 0
            begun.append((None, make(job, lambda: own_chunk)))
        else:
            worker = free.popleft()
            worker.take(job)
            begun.append((worker, worker.chunks()))
    while begun:
        on_result((yield from _finish(begun, free)))


def _finish(begun: deque, free: deque) -> Generator[memoryview, None, Any]:
    """Yield the remaining chunks of the first job in BEGUN and return its result."""
    worker, chunks = begun.popleft()
    result = yield from chunks
    if worker is not None:
        free.append(worker)
    return result


def _new_chunk() -> memoryview:
    return memoryview(bytearray(CHUNK_SIZE))


class _Worker:
    """The consumer's handle on one worker process: sends it jobs and receives its chunks."""

    def __init__(self, make: MakeChunks):
        self._memory = memoryview(mmap.mmap(-1, CHUNKS_AHEAD * CHUNK_SIZE))
        self._next = 0  # number of the next chunk to receive
        orders, self._orders = _pipe()
        self._reports, report = _pipe()
        self._pid = fork(lambda: self._work(make, orders, report))
        orders.close()
        report.close()

    def _work(self, make: MakeChunks, orders, report) -> NoReturn:
        """Run the worker. This is the child process."""
        # If the child kept the consumer's ends open, it would never see the consumer disappear.
        self._orders.close()
        self._reports.close()
        _WorkerLoop(make, self._memory, orders, report).work()

    def take(self, job: Any) -> None:
        """Queue JOB behind the worker's other jobs."""
        data = pickle.dumps(job)
        _send(self._orders, JOB, len(data), data)

    def chunks(self) -> Generator[memoryview, None, Any]:
        """Yield the chunks of the worker's oldest job and return its result."""
        while True:
            report, length = _receive(self._reports)
            if not report:
                raise worker_killed()
            chunk = _chunk_at(self._memory, self._next)[:length]
            self._next += 1
            if report == MADE:
                yield chunk
                _send(self._orders, TAKEN)
                continue
            result = pickle.loads(chunk)
            _send(self._orders, TAKEN)
            if report == FAILED:
                raise result
            return result

    def is_ready(self) -> bool:
        """Return whether a report can be received without waiting."""
        return is_ready(self._reports)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        end_process(self._pid)
        self._reports.close()
        with contextlib.suppress(BrokenPipeError):  # the last message may never have been read
            self._orders.close()


def _pipe():
    """Return the read end and the write end of a new pipe."""
    source, sink = os.pipe()
    # Unbuffered: poll() does not see data that waits in a buffer.
    return open(source, "rb", buffering=0), open(sink, "wb")


def _send(sink, what: bytes, length: int = 0, data: bytes = b"") -> None:
    sink.write(what + length.to_bytes(LENGTH_SIZE, "big") + data)
    sink.flush()


def _receive(source) -> tuple[bytes, int]:
    """Return the kind and the length of the next message; an empty kind if the other process has ended."""
    message = _read_all(source, 1 + LENGTH_SIZE)
    return message[:1], int.from_bytes(message[1:], "big")


def _read_all(source, length: int) -> bytes:
    """Return LENGTH bytes, or fewer if the other process has ended."""
    data = b""
    while len(data) < length and (more := source.read(length - len(data))):
        data += more
    return data


def _chunk_at(memory: memoryview, number: int) -> memoryview:
    """Return the slot of chunk NUMBER in MEMORY, which is used as a ring buffer."""
    start = number % CHUNKS_AHEAD * CHUNK_SIZE
    return memory[start : start + CHUNK_SIZE]


class _WorkerLoop:
    """The worker process: takes jobs, makes chunks, waits while all slots are full."""

    def __init__(self, make: MakeChunks, memory: memoryview, orders, report):
        self._make, self._memory, self._orders, self._reports = make, memory, orders, report
        self._jobs: deque[Any] = deque()
        self._made = self._taken = 0  # chunks sent to the consumer, and released by it

    def work(self) -> NoReturn:
        """Do jobs until the consumer ends."""
        while True:
            while not self._jobs:
                self._take_order()
            try:
                report, result = DONE, self._do(self._jobs.popleft())
            except Exception as error:
                report, result = FAILED, error
            data = pickle.dumps(result)
            self._new_chunk()[: len(data)] = data
            self._put(report, len(data))

    def _do(self, job: Any) -> Any:
        chunks = self._make(job, self._new_chunk)
        while True:
            try:
                chunk = next(chunks)
            except StopIteration as end:
                return end.value
            self._put(MADE, len(chunk))

    def _put(self, report: bytes, length: int) -> None:
        self._made += 1
        _send(self._reports, report, length)

    def _new_chunk(self) -> memoryview:
        while self._made - self._taken == CHUNKS_AHEAD:
            self._take_order()
        return _chunk_at(self._memory, self._made)

    def _take_order(self) -> None:
        # Accepting jobs here, too, keeps the consumer from ever blocking on a send.
        order, length = _receive(self._orders)
        if not order:
            os._exit(0)  # the consumer has ended
        if order == JOB:
            self._jobs.append(pickle.loads(_read_all(self._orders, length)))
        else:
            self._taken += 1
