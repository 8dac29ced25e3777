from __future__ import annotations

from actors.parser.bundled.geometry import Box, around


def test_inside_is_the_share_of_the_first_box() -> None:
    small, large = Box(0, 0, 10, 10), Box(5, 0, 100, 100)
    assert small.inside(large) == 0.5
    assert large.inside(small) < 0.01


def test_boxes_apart_share_nothing() -> None:
    assert Box(0, 0, 10, 10).inside(Box(20, 20, 30, 30)) == 0.0


def test_a_box_without_area_is_inside_nothing() -> None:
    assert Box(5, 5, 5, 5).inside(Box(0, 0, 10, 10)) == 0.0


def test_beside_compares_heights_and_above_compares_widths() -> None:
    left, right = Box(0, 0, 10, 10), Box(50, 0, 60, 10)
    assert left.beside(right) == 1.0
    assert left.above(right) < 0


def test_around_is_the_smallest_box_that_holds_all() -> None:
    assert around([Box(0, 5, 10, 10), Box(3, 0, 20, 8)]) == Box(0, 0, 20, 10)
