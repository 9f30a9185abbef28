"""Treemaps: areas in proportion, boxes inside and apart."""

import random

import pytest

from laminix.pictures.treemap import Box, squarified

BOX = Box(10, 20, 600, 400)


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_in_proportion_and_boxes_tile_the_box(seed):
    chance = random.Random(seed)
    sizes = sorted((chance.randrange(1, 10**6) for _ in range(200)), reverse=True)
    boxes = squarified(sizes, BOX)
    for size, box in zip(sizes, boxes):
        assert box.width * box.height == pytest.approx(size * BOX.width * BOX.height / sum(sizes))
        assert BOX.x - 1e-6 <= box.x and box.x + box.width <= BOX.x + BOX.width + 1e-6
        assert BOX.y - 1e-6 <= box.y and box.y + box.height <= BOX.y + BOX.height + 1e-6
    for number, one in enumerate(boxes):
        assert not any(overlap(one, other) for other in boxes[number + 1 :])


def overlap(one: Box, other: Box) -> bool:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return width > 1e-6 and height > 1e-6


def test_equal_sizes_give_boxes_that_are_nearly_square():
    ratios = sorted(max(box.width / box.height, box.height / box.width) for box in squarified([1] * 100, BOX))
    assert ratios[50] < 1.1 and ratios[-1] < 2.5


@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0], [5, 0, 0]])
def test_nothing_and_zero(sizes):
    boxes = squarified(sizes, BOX)
    assert len(boxes) == len(sizes)
    assert sum(box.width * box.height for box in boxes) == pytest.approx(240_000 if sum(sizes) else 0)


def test_no_room():
    assert squarified([1, 2], Box(0, 0, 0, 5)) == [Box(0, 0, 0, 0)] * 2
