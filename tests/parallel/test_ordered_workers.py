"""ordered_workers: chunks from many processes, in one order, and an end for all of them."""

import os
import signal
import time
from pathlib import Path

import pytest

from laminix.errors import LaminixError
from laminix.parallel.ordered_workers import CHUNK_SIZE, CHUNKS_AHEAD, chunks_in_order


def make(job, new_chunk):
    """JOB is a letter and how many chunks of it; returns the letter."""
    letter, count = job
    for number in range(count):
        chunk = new_chunk()
        length = CHUNK_SIZE if number < count - 1 else 1
        chunk[:length] = letter * length
        yield chunk[:length]
    return letter


def taken(make, jobs, processes, pause=0.0):
    """The chunks, copied, and what came of the jobs."""
    chunks, results = [], []
    for chunk in chunks_in_order(make, jobs, processes, results.append):
        chunks.append(bytes(chunk))
        time.sleep(pause)
    return b"".join(chunks), results


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.mark.parametrize("processes", [1, 2, 3, 9])
@pytest.mark.parametrize("pause", [0, 0.002], ids=["at once", "by somebody slow"])
def test_chunks_come_in_the_order_of_the_jobs(processes, pause):
    counts = [1, 0, CHUNKS_AHEAD + 3, 2, 1, 0, 0, 5, 1]
    jobs = [(bytes([65 + number]), count) for number, count in enumerate(counts)]
    data, results = taken(make, jobs, processes, pause)
    assert data == b"".join(letter * ((count - 1) * CHUNK_SIZE + 1) for letter, count in jobs if count)
    assert results == [letter for letter, _ in jobs]
    assert not children()


@pytest.mark.parametrize("processes", [1, 4])
def test_no_jobs_no_chunks(processes):
    assert taken(make, [], processes) == (b"", [])


def test_a_job_may_be_longer_than_a_pipe_holds():
    def measure(job, new_chunk):
        chunk = new_chunk()
        chunk[:1] = job[:1]
        yield chunk[:1]
        return len(job)

    jobs = [letter * (1 << 20) for letter in (b"a", b"b", b"c", b"d", b"e")]
    assert taken(measure, jobs, 2) == (b"abcde", [1 << 20] * 5)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_what_a_job_raises_is_raised_after_the_chunks_before_it(processes):
    def fail(job, new_chunk):
        yield from make(job, new_chunk)
        if job[0] == b"d":
            raise LaminixError("cannot pack", "no", "d")

    chunks = []
    with pytest.raises(LaminixError, match=r"cannot pack: no \(d\)"):
        for chunk in chunks_in_order(fail, [(letter, 1) for letter in (b"a", b"b", b"c", b"d", b"e")], processes, id):
            chunks.append(bytes(chunk))
    assert chunks == [b"a", b"b", b"c", b"d"]
    assert not children()


def test_processes_end_where_nobody_wants_more():
    chunks = chunks_in_order(make, [(b"a", CHUNKS_AHEAD * 2), (b"b", CHUNKS_AHEAD * 2), (b"c", 1)], 3, id)
    next(chunks)
    assert len(children()) == 2
    chunks.close()
    assert not children()


def test_a_process_killed_from_outside_is_told():
    this = os.getpid()

    def kill(job, new_chunk):
        if os.getpid() != this:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from make(job, new_chunk)

    with pytest.raises(LaminixError, match="was killed"):
        taken(kill, [(b"a", 1), (b"b", 1)], 2)
    assert not children()


def test_processes_do_not_outlive_the_one_that_began_them(tmp_path):
    def wait(job, new_chunk):
        (tmp_path / str(os.getpid())).touch()
        yield from make(job, new_chunk)

    pid = os.fork()
    if not pid:
        try:
            for _ in chunks_in_order(wait, [(b"a", CHUNKS_AHEAD * 2), (b"b", CHUNKS_AHEAD * 2), (b"c", 1)], 3, id):
                while len(os.listdir(tmp_path)) < 2:
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    one, other = (int(path.name) for path in tmp_path.iterdir())
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
