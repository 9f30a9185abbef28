"""ConsumerThread: work on a stream in a thread of its own."""

import threading

import pytest

from laminix.parallel.consumer_thread import QUEUE_LENGTH, ConsumerThread


def test_gives_what_the_work_returns():
    with ConsumerThread(b"".join) as beside:
        assert list(beside.through([b"a", b"b"])) == [b"a", b"b"]
        assert beside.result() == b"ab"


def test_none_does_nothing():
    with ConsumerThread(None) as beside:
        beside.put(b"a")
        assert beside.result() is None


def fails_at_once(chunks):
    raise ValueError("at once")


def fails_at_the_end(chunks):
    list(chunks)
    raise ValueError("at the end")


@pytest.mark.parametrize("work", (fails_at_once, fails_at_the_end))
def test_failure_is_raised_where_the_result_is_asked_for(work):
    with ConsumerThread(work) as beside:
        for _ in range(3 * QUEUE_LENGTH):
            beside.put(b"a")
        with pytest.raises(ValueError, match="at"):
            beside.result()


def test_a_reader_that_stops_early_waits_for_nobody():
    with pytest.raises(KeyError), ConsumerThread(fails_at_the_end) as beside:
        beside.put(b"a")
        raise KeyError


def test_closing_a_generator_that_feeds_a_thread_ends_the_thread():
    def feed():
        with ConsumerThread(list) as beside:
            yield beside.put(b"a")

    before = threading.active_count()
    chunks = feed()
    next(chunks)
    assert threading.active_count() == before + 1
    chunks.close()
    assert threading.active_count() == before
