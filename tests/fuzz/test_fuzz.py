"""A few thousand damaged images: each is read, or refused in one line.  ``tests/fuzz/run`` tries as many as you like."""

import random

import mutated_images
import pytest
import trial

BLOCKS, CASES = 10, 200


@pytest.mark.parametrize("block", range(BLOCKS))
def test_damaged_images(tmp_path, block):
    faults = {}
    for number in range(block * CASES, (block + 1) * CASES):
        fault = trial.run(1, number, str(tmp_path / "case"))
        if fault is not None:
            faults[number] = fault
    assert not faults, "\n".join(f"tests/fuzz/run --seed 1 --first {n} --cases 1\n{text}" for n, text in faults.items())


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

    monkeypatch.setattr(trial, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(trial, "verify", hang)
    assert "TooSlow" in trial.run(1, 0, str(tmp_path / "case"))
