"""A few thousand damaged images and requests: each has a result, or is refused in one line.

``tests/fuzz/run`` tries as many as you like.
"""

import json
import random

import limits
import mutated_images
import pytest
import request_trial
import trial
from mutated_requests import World, make_world, requests

BLOCKS, CASES = 10, 200
TRIALS = {"images": trial.run, "requests": request_trial.run}
RIGHT = list(requests(World("/world")))


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("damage", TRIALS)
def test_damaged(tmp_path, damage, block):
    faults = {}
    for number in range(block * CASES, (block + 1) * CASES):
        fault = TRIALS[damage](1, number, str(tmp_path / "case"))
        if fault is not None:
            faults[number] = fault
    again = f"tests/fuzz/run --damage {damage} --seed 1 --cases 1 --first"
    assert not faults, "\n".join(f"{again} {number}\n{text}" for number, text in faults.items())


def test_a_case_is_always_the_same(tmp_path):
    for name in ("one", "other"):
        rng = random.Random("1 7")
        mutated_images.write(rng, mutated_images.members(rng), str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("fault", [ValueError("x"), RecursionError(), MemoryError(), KeyError("config")])
def test_any_other_exception_is_a_fault(tmp_path, monkeypatch, fault):
    def fail(*_, **__):
        raise fault

    monkeypatch.setattr(trial, "verify", fail)
    assert type(fault).__name__ in trial.run(1, 0, str(tmp_path / "case"))


def test_an_endless_loop_is_a_fault(tmp_path, monkeypatch):
    def hang(*_, **__):
        while True:
            pass

    monkeypatch.setattr(limits, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(trial, "verify", hang)
    assert "TooSlow" in trial.run(1, 0, str(tmp_path / "case"))


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return make_world(str(tmp_path_factory.mktemp("requests") / "world"))


@pytest.mark.parametrize("builder", RIGHT)
def test_right_requests(world, tmp_path, builder):
    for number, request in enumerate(requests(world)[builder]):
        document = {"outputs": {"out": f"{tmp_path}/{number}/out"}, "request": request}
        (tmp_path / str(number)).mkdir()
        status, said = request_trial.ended(builder, json.dumps(document).encode(), world, f"{tmp_path}/{number}")
        assert (status, said) == (0, "")
