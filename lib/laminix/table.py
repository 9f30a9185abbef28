"""Tables for people."""

from collections.abc import Collection, Sequence

from laminix.errors import one_line


def aligned(rows: Sequence[Sequence[str]], numbers: Collection[int]) -> str:
    """Return ROWS as lines with aligned columns. The columns in NUMBERS are aligned to the right.

    Cells are escaped and cut as by ``one_line``.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "".join(f"{_line(row, widths, numbers)}\n" for row in rows)


def _line(row: Sequence[str], widths: Sequence[int], numbers: Collection[int]) -> str:
    cells = (
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths))
    )
    return "  ".join(cells).rstrip()
