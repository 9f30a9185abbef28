"""parallel.process_call: many processes, one order, and an end for all of them when one fails."""

import os
import signal
import time
from pathlib import Path

import pytest

from laminix.errors import LaminixError
from laminix.parallel.process_call import map_in_processes


def square(number: int) -> int:
    time.sleep(0.01 * (5 - number))  # the first takes longest
    return number * number


def note_and_wait(directory: str, fail: bool) -> None:
    if fail:
        while not os.listdir(directory):
            time.sleep(0.01)
        raise KeyError("failed")
    Path(directory, str(os.getpid())).touch()
    time.sleep(600)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_results_come_in_the_order_of_the_jobs(processes):
    assert list(map_in_processes(square, [(number,) for number in range(5)], processes)) == [0, 1, 4, 9, 16]
    assert list(map_in_processes(square, [], processes)) == []


def test_where_one_fails_all_end(tmp_path):
    with pytest.raises(KeyError):
        list(map_in_processes(note_and_wait, [(str(tmp_path), True), (str(tmp_path), False)], 2))
    (other,) = (int(path.name) for path in tmp_path.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)


def test_a_process_killed_from_outside_is_told():
    with pytest.raises(LaminixError, match="was killed"):
        list(map_in_processes(kill_itself, [(), ()], 2))
