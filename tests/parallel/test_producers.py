"""producers: pieces from many processes, in one order, and an end for all of them."""

import os
import signal
import time
from pathlib import Path

import pytest

from laminix.errors import LaminixError
from laminix.parallel.ordered_workers import PIECE, PIECES, produced


def make(job, new_piece):
    """JOB is a letter and how many pieces of it; returns the letter."""
    letter, count = job
    for number in range(count):
        piece = new_piece()
        length = PIECE if number < count - 1 else 1
        piece[:length] = letter * length
        yield piece[:length]
    return letter


def taken(make, jobs, processes, pause=0.0):
    """The pieces, copied, and what came of the jobs."""
    pieces, results = [], []
    for piece in produced(make, jobs, processes, results.append):
        pieces.append(bytes(piece))
        time.sleep(pause)
    return b"".join(pieces), results


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.mark.parametrize("processes", [1, 2, 3, 9])
@pytest.mark.parametrize("pause", [0, 0.002], ids=["at once", "by somebody slow"])
def test_pieces_come_in_the_order_of_the_jobs(processes, pause):
    counts = [1, 0, PIECES + 3, 2, 1, 0, 0, 5, 1]
    jobs = [(bytes([65 + number]), count) for number, count in enumerate(counts)]
    data, results = taken(make, jobs, processes, pause)
    assert data == b"".join(letter * ((count - 1) * PIECE + 1) for letter, count in jobs if count)
    assert results == [letter for letter, _ in jobs]
    assert not children()


@pytest.mark.parametrize("processes", [1, 4])
def test_no_jobs_no_pieces(processes):
    assert taken(make, [], processes) == (b"", [])


def test_a_job_may_be_longer_than_a_pipe_holds():
    def measure(job, new_piece):
        piece = new_piece()
        piece[:1] = job[:1]
        yield piece[:1]
        return len(job)

    jobs = [letter * (1 << 20) for letter in (b"a", b"b", b"c", b"d", b"e")]
    assert taken(measure, jobs, 2) == (b"abcde", [1 << 20] * 5)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_what_a_job_raises_is_raised_after_the_pieces_before_it(processes):
    def fail(job, new_piece):
        yield from make(job, new_piece)
        if job[0] == b"d":
            raise LaminixError("cannot pack", "no", "d")

    pieces = []
    with pytest.raises(LaminixError, match=r"cannot pack: no \(d\)"):
        for piece in produced(fail, [(letter, 1) for letter in (b"a", b"b", b"c", b"d", b"e")], processes, id):
            pieces.append(bytes(piece))
    assert pieces == [b"a", b"b", b"c", b"d"]
    assert not children()


def test_processes_end_where_nobody_wants_more():
    pieces = produced(make, [(b"a", PIECES * 2), (b"b", PIECES * 2), (b"c", 1)], 3, id)
    next(pieces)
    assert len(children()) == 2
    pieces.close()
    assert not children()


def test_a_process_killed_from_outside_is_told():
    this = os.getpid()

    def kill(job, new_piece):
        if os.getpid() != this:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from make(job, new_piece)

    with pytest.raises(LaminixError, match="was killed from outside"):
        taken(kill, [(b"a", 1), (b"b", 1)], 2)
    assert not children()


def test_processes_do_not_outlive_the_one_that_began_them(tmp_path):
    def wait(job, new_piece):
        (tmp_path / str(os.getpid())).touch()
        yield from make(job, new_piece)

    pid = os.fork()
    if not pid:
        try:
            for _ in produced(wait, [(b"a", PIECES * 2), (b"b", PIECES * 2), (b"c", 1)], 3, id):
                while len(os.listdir(tmp_path)) < 2:
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    (one, other) = (int(path.name) for path in tmp_path.iterdir())
    for _ in range(500):
        if not any(os.path.exists(f"/proc/{process}") and is_alive(process) for process in (one, other)):
            return
        time.sleep(0.01)
    pytest.fail("they are still there")


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
