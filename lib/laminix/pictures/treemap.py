"""Treemaps: rectangles whose areas are in proportion to sizes (Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000)."""

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def inner(self, margin: float, top: float) -> "Box":
        """The box within MARGIN on every side, and below TOP more pixels; it may be empty."""
        width, height = self.width - 2 * margin, self.height - 2 * margin - top
        return Box(self.x + margin, self.y + margin + top, max(0.0, width), max(0.0, height))


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """A box in BOX for each of SIZES, which are not negative, in the order given; large ones first look best.

    The areas are in proportion to the sizes, and no box is longer than it has to be.
    """
    total = sum(sizes)
    if total <= 0 or box.width <= 0 or box.height <= 0:
        return [Box(box.x, box.y, 0.0, 0.0) for _ in sizes]
    areas = [size * box.width * box.height / total for size in sizes]
    boxes: list[Box] = []
    start = 0
    while start < len(areas):
        end = _row_end(areas, start, min(box.width, box.height))
        row, box = _placed(areas[start:end], box)
        boxes += row
        start = end
    return boxes


def _row_end(areas: Sequence[float], start: int, side: float) -> int:
    """The end of the row that begins at START, along a SIDE: as many areas as make its worst box no worse."""
    end, total = start + 1, areas[start]
    smallest = largest = areas[start]
    worst = _worst(smallest, largest, total, side)
    while end < len(areas):
        area = areas[end]
        smallest, largest = min(smallest, area), max(largest, area)
        ratio = _worst(smallest, largest, total + area, side)
        if ratio > worst:
            break
        end, total, worst = end + 1, total + area, ratio
    return end


def _worst(smallest: float, largest: float, total: float, side: float) -> float:
    """The largest ratio of a box's sides in a row of areas with this TOTAL along SIDE."""
    if smallest <= 0 or side <= 0:
        return float("inf")
    return max(side * side * largest / (total * total), total * total / (side * side * smallest))


def _placed(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """The boxes of ROW along the shorter side of BOX, and what is left of BOX."""
    total = sum(row)
    x, y, width, height = box
    if width >= height:
        thickness = total / height if height else 0.0
        lengths = [area / thickness if thickness else 0.0 for area in row]
        boxes = [Box(x, y + sum(lengths[:number]), thickness, length) for number, length in enumerate(lengths)]
        return boxes, Box(x + thickness, y, max(0.0, width - thickness), height)
    thickness = total / width if width else 0.0
    lengths = [area / thickness if thickness else 0.0 for area in row]
    boxes = [Box(x + sum(lengths[:number]), y, length, thickness) for number, length in enumerate(lengths)]
    return boxes, Box(x, y + thickness, width, max(0.0, height - thickness))
