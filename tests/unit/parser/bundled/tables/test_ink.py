"""Rules and gaps on pictures drawn here, two pixels to the point."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.tables.ink import Ink, read_ink, split_line

FRAME = Box(50, 100, 250, 200)


def blank(colour: str = "white") -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (400, 200), colour)
    return image, ImageDraw.Draw(image)


def ink_of(image: Image.Image) -> Ink:
    return read_ink(image, FRAME, 2.0)


def write(draw: ImageDraw.ImageDraw, left: int, right: int) -> None:
    """Something like letters."""
    for x in range(left, right, 6):
        draw.rectangle((x, 40, x + 2, 52), "black")


def test_rules_are_found_where_they_are_on_the_page() -> None:
    image, draw = blank()
    draw.line((20, 40, 380, 40), "black")
    draw.line((100, 10, 100, 190), "grey")
    ink = ink_of(image)
    assert [tuple(rule) for rule in ink.horizontal] == [pytest.approx((60, 120, 240, 120.5), abs=1.1)]
    assert [tuple(rule) for rule in ink.vertical] == [pytest.approx((100, 105, 100.5, 195), abs=1.1)]


def test_short_strokes_are_writing() -> None:
    image, draw = blank()
    draw.line((20, 40, 34, 40), "black")
    draw.line((60, 40, 60, 54), "black")
    ink = ink_of(image)
    assert (ink.horizontal, ink.vertical) == ((), ())
    assert ink.writing.any()


def test_pale_rules_and_rules_on_tinted_ground_count() -> None:
    image, draw = blank("#dde6ee")
    draw.line((20, 40, 380, 40), "#b0b8c0")
    assert len(ink_of(image).horizontal) == 1


def test_light_writing_on_a_dark_field_leaves_no_rules_between_its_letters() -> None:
    image, draw = blank()
    draw.rectangle((0, 0, 400, 60), "#234567")
    for left in range(20, 380, 14):
        draw.rectangle((left, 22, left + 3, 40), "white")
    assert ink_of(image).vertical == ()


def test_a_line_is_parted_at_its_widest_gaps() -> None:
    image, draw = blank()
    for left, right in ((20, 28), (32, 60), (200, 240), (300, 310)):
        write(draw, left, right)
    line = Box(60, 118, 205, 128)
    words = split_line("Station Depth Year", line, ink_of(image))
    assert [(text, box.left, box.right) for text, box in words] == [
        ("Station", 60, 79.5),
        ("Depth", 150, 169.5),
        ("Year", 200, 205),
    ]


def test_the_first_word_of_a_right_to_left_script_is_the_rightmost() -> None:
    image, draw = blank()
    for left, right in ((20, 60), (200, 240)):
        write(draw, left, right)
    words = split_line("אחת שתיים", Box(60, 118, 171, 128), ink_of(image))
    assert [(text, box.left) for text, box in words] == [("שתיים", 60), ("אחת", 150)]


def test_a_line_with_fewer_gaps_than_spaces_stays_whole() -> None:
    image, draw = blank()
    draw.rectangle((20, 40, 32, 52), "black")
    line = Box(60, 118, 115, 128)
    assert split_line("one two", line, ink_of(image)) == [("one two", line)]


def test_a_rule_through_a_line_is_no_writing() -> None:
    image, draw = blank()
    draw.line((150, 10, 150, 190), "black")
    for left, right in ((20, 60), (200, 240)):
        write(draw, left, right)
    words = split_line("one two", Box(60, 118, 171, 128), ink_of(image))
    assert [(text, box.left) for text, box in words] == [("one", 60), ("two", 150)]
