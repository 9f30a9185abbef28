"""Tables of ratios: two shell commands a row, run in turn."""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import cost


class Row(NamedTuple):
    """What is measured, and against what."""

    name: str
    ours: str  # shell commands, see measure.cost
    theirs: str | None  # None: the aim is in seconds
    aim: float  # ours divided by theirs, or seconds
    times: int = 1  # how often theirs counts


def run_rows(description: str, rows: Sequence[Row], make_trees: Callable[[Path], None]) -> None:
    """Print the table of ROWS, or of those that the command line names; MAKE_TREES makes what they read."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many times each side runs (default 5)")
    parser.add_argument("words", nargs="*", help="only rows whose names have one of these in them")
    options = parser.parse_args()
    rows = [row for row in rows if not options.words or any(word in row.name for word in options.words)]
    with tempfile.TemporaryDirectory(prefix="laminix-bench-") as top:
        make_trees(Path(top))
        print(f"| {'work / against':54} | ours s | theirs s | ratio  | aim   | MiB  |")
        print(f"|{'-' * 56}|--------|----------|--------|-------|------|", flush=True)
        for row in rows:
            print(_measure(row, Path(top), options.rounds), flush=True)


def _measure(row: Row, trees: Path, rounds: int) -> str:
    """The row of the table: medians of ROUNDS, after one that is not counted."""
    sides = [row.ours] if row.theirs is None else [row.ours, row.theirs]
    costs = [[cost(side, trees) for side in sides] for _ in range(rounds + 1)][1:]
    medians = [statistics.median(each.seconds for each in side) for side in zip(*costs)]
    memory = max(each[0].memory for each in costs) >> 20
    theirs = medians[1] * row.times if row.theirs else None
    result = medians[0] / theirs if theirs else medians[0]
    shown = f"{theirs:8.3f}" if theirs else " " * 8
    return f"| {row.name:54} | {medians[0]:6.3f} | {shown} | {result:6.2f} | {row.aim:5} | {memory:4} |"
