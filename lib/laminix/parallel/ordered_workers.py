"""Pieces of bytes made in processes of their own, ahead of whoever takes them, in the order of the jobs.

For work that is Python from end to end: of a process's threads only one runs at a time.  The pieces lie in
memory that the processes share, so they are neither copied nor sent; what goes through pipes is jobs, a few
kilobytes each, and the lengths of pieces.
"""

import contextlib
import mmap
import os
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NoReturn

from laminix.parallel.chunks import PIECE
from laminix.parallel.process_call import end_process, fork, has_news, killed

PIECES = 32  # that a process may be ahead: memory stays constant
JOBS = 2  # that a process has at hand, so that it never waits for one
MOST = 3  # processes: so many make as much as one can hash
# How often the one that takes the pieces waits before it makes some itself.  If it always did, the others
# would have filled their memory by then and wait for it (50,000 files: 0.55 s; so 0.51 s; never 0.53 s).
PATIENCE = 2

NewPiece = Callable[[], memoryview]
# Makes the pieces of a job, each from the start of a new one that it asks for; what it returns in the end
# goes to whoever wanted the pieces.
Make = Callable[[Any, NewPiece], Generator[memoryview, None, Any]]

# What a process is told, and what it tells: a byte and a length, and after JOB so many bytes.
JOB, TAKEN = b"J", b"T"
MADE, DONE, FAILED = b"M", b"D", b"F"
LENGTH = 8


def produced(make: Make, jobs: Iterable[Any], processes: int, done: Callable[[Any], Any]) -> Iterator[memoryview]:
    """The pieces that MAKE makes of each of JOBS, in their order, by so many PROCESSES, this one included.

    With more than one process, a piece is good until the next is asked for.  DONE gets what MAKE returns
    for each job.  Raises what MAKE raises.
    """
    if processes == 1:
        for job in jobs:
            done((yield from make(job, _new_piece)))
        return
    crew: list[_Producer] = []
    try:
        yield from _shared_out(make, jobs, crew, min(processes - 1, MOST), done)
    finally:
        for producer in crew:
            producer.end()


def _shared_out(
    make: Make, jobs: Iterable[Any], crew: list["_Producer"], most: int, done: Callable[[Any], Any]
) -> Iterator[memoryview]:
    """The pieces of JOBS, made by CREW and, where this process would only wait for them, by itself.

    CREW grows with the first jobs, to MOST.
    """
    own_piece = _new_piece()
    free: deque[_Producer] = deque()  # those who can take a job, as often as they can
    begun: deque[tuple[_Producer | None, Generator]] = deque()  # with the pieces of each job, in order
    waits = 0
    for job in jobs:
        if len(crew) < most:
            crew.append(_Producer(make))
            free.appendleft(crew[-1])
            free.extend(crew[-1:] * (JOBS - 1))
        while not free:
            done((yield from _finish(begun, free)))
            waits += not any(producer.has_news() for producer in crew)
        if waits >= PATIENCE:
            waits = 0
            begun.append((None, make(job, lambda: own_piece)))
        else:
            producer = free.popleft()
            producer.take(job)
            begun.append((producer, producer.pieces()))
    while begun:
        done((yield from _finish(begun, free)))


def _finish(begun: deque, free: deque) -> Generator[memoryview, None, Any]:
    """The pieces of the first job in BEGUN; returns what came of it."""
    producer, pieces = begun.popleft()
    result = yield from pieces
    if producer is not None:
        free.append(producer)
    return result


def _new_piece() -> memoryview:
    return memoryview(bytearray(PIECE))


class _Producer:
    """A process that makes pieces, as the process that wants them sees it."""

    def __init__(self, make: Make):
        self._memory = memoryview(mmap.mmap(-1, PIECES * PIECE))
        self._next = 0  # the place of the next piece in it
        orders, self._orders = _pipe()
        self._news, news = _pipe()
        self._pid = fork(lambda: self._work(make, orders, news))
        orders.close()
        news.close()

    def _work(self, make: Make, orders, news) -> NoReturn:
        """What the process does."""
        # Else it would wait for itself when everybody else has gone.
        self._orders.close()
        self._news.close()
        _Shift(make, self._memory, orders, news).work()

    def take(self, job: Any) -> None:
        """Have it do JOB after those that it has."""
        data = pickle.dumps(job)
        _tell(self._orders, JOB, len(data), data)

    def pieces(self) -> Generator[memoryview, None, Any]:
        """What it makes of the first of its jobs, whose result is returned."""
        while True:
            news, length = _hear(self._news)
            if not news:
                raise killed()
            piece = _place(self._memory, self._next)[:length]
            self._next += 1
            if news == MADE:
                yield piece
                _tell(self._orders, TAKEN)
                continue
            result = pickle.loads(piece)
            _tell(self._orders, TAKEN)
            if news == FAILED:
                raise result
            return result

    def has_news(self) -> bool:
        """Whether it has made anything that was not taken yet."""
        return has_news(self._news)

    def end(self) -> None:
        """End it, wherever it is."""
        end_process(self._pid)
        self._news.close()
        with contextlib.suppress(BrokenPipeError):  # of what it was told last
            self._orders.close()


def _pipe():
    """The two ends of a new pipe, to read from and to write to."""
    source, sink = os.pipe()
    # Unbuffered to read from: what waits in a buffer is not seen by select().
    return open(source, "rb", buffering=0), open(sink, "wb")


def _tell(sink, what: bytes, length: int = 0, data: bytes = b"") -> None:
    sink.write(what + length.to_bytes(LENGTH, "big") + data)
    sink.flush()


def _hear(source) -> tuple[bytes, int]:
    """What is told next; nothing where the other side has gone."""
    message = _read_all(source, 1 + LENGTH)
    return message[:1], int.from_bytes(message[1:], "big")


def _read_all(source, length: int) -> bytes:
    """LENGTH bytes, fewer only where the other side has gone."""
    data = b""
    while len(data) < length and (more := source.read(length - len(data))):
        data += more
    return data


def _place(memory: memoryview, number: int) -> memoryview:
    """The place in MEMORY of the piece of that NUMBER: one place after the other, then the first again."""
    start = number % PIECES * PIECE
    return memory[start : start + PIECE]


class _Shift:
    """The work of a process that makes pieces, as it sees it itself."""

    def __init__(self, make: Make, memory: memoryview, orders, news):
        self._make, self._memory, self._orders, self._news = make, memory, orders, news
        self._jobs: deque[Any] = deque()
        self._made = self._taken = 0  # how many pieces

    def work(self) -> NoReturn:
        """Do whatever there is to do."""
        while True:
            while not self._jobs:
                self._listen()
            try:
                news, result = DONE, self._do(self._jobs.popleft())
            except Exception as error:
                news, result = FAILED, error
            data = pickle.dumps(result)
            self._new_piece()[: len(data)] = data
            self._put(news, len(data))

    def _do(self, job: Any) -> Any:
        pieces = self._make(job, self._new_piece)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                return end.value
            self._put(MADE, len(piece))

    def _put(self, news: bytes, length: int) -> None:
        self._made += 1
        _tell(self._news, news, length)

    def _new_piece(self) -> memoryview:
        while self._made - self._taken == PIECES:
            self._listen()
        return _place(self._memory, self._made)

    def _listen(self) -> None:
        # Jobs are taken in whenever one comes: whoever sends them never has to wait for a piece's turn.
        order, length = _hear(self._orders)
        if not order:
            os._exit(0)  # nobody is there any more
        if order == JOB:
            self._jobs.append(pickle.loads(_read_all(self._orders, length)))
        else:
            self._taken += 1
