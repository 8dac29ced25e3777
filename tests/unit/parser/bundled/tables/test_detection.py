"""Regions that are tables without asking a model, and regions that are not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.tables.detection import Columns, columns_of, ruled_regions
from tests.unit.parser.bundled.tables.words import phrase, rows


def page() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (600, 800), "white")
    return image, ImageDraw.Draw(image)


def draw_grid(draw: ImageDraw.ImageDraw, box: Box, *, count: int, cols: int) -> None:
    for row in range(count + 1):
        y = box.top + row * box.height / count
        draw.line((box.left, y, box.right, y), "black")
    for col in range(cols + 1):
        x = box.left + col * box.width / cols
        draw.line((x, box.top, x, box.bottom), "black")


def write(draw: ImageDraw.ImageDraw, box: Box, *, count: int, cols: int) -> None:
    for row in range(count):
        for col in range(cols):
            draw.text((box.left + 10 + col * box.width / cols, box.top + 5 + row * box.height / count), "oak", "black")


TABLE = Box(100, 200, 400, 280)


def test_a_written_grid_is_a_table() -> None:
    image, draw = page()
    draw_grid(draw, TABLE, count=4, cols=3)
    write(draw, TABLE, count=4, cols=3)
    (found,) = ruled_regions(image, 1.0)
    assert tuple(found) == pytest.approx(tuple(TABLE), abs=3)


def test_an_empty_grid_is_no_table() -> None:
    image, draw = page()
    draw_grid(draw, TABLE, count=4, cols=3)
    assert ruled_regions(image, 1.0) == []


def test_a_framed_text_is_no_table() -> None:
    image, draw = page()
    draw_grid(draw, TABLE, count=1, cols=1)
    write(draw, TABLE, count=4, cols=3)
    assert ruled_regions(image, 1.0) == []


def test_boxes_joined_by_lines_are_no_table() -> None:
    image, draw = page()
    for left, top in ((100, 200), (250, 230), (400, 260)):
        draw.rectangle((left, top, left + 80, top + 30), outline="black")
        draw.text((left + 10, top + 8), "step", "black")
    draw.line((180, 215, 290, 215), "black")
    draw.line((290, 215, 290, 230), "black")
    draw.line((330, 245, 440, 245), "black")
    draw.line((440, 245, 440, 260), "black")
    assert ruled_regions(image, 1.0) == []


def test_two_grids_are_two_tables() -> None:
    image, draw = page()
    for box in (TABLE, Box(100, 400, 400, 460)):
        draw_grid(draw, box, count=3, cols=3)
        write(draw, box, count=3, cols=3)
    assert len(ruled_regions(image, 1.0)) == 2


def are_cells(words: Sequence[Word]) -> bool:
    return columns_of(words).cells


def test_short_texts_in_three_columns_are_cells() -> None:
    assert are_cells(rows(("Name", "Town", "Trade"), ("Ulf", "Lund", "Clerk"), ("Rosa", "Rome", "Baker")))


def test_two_columns_need_numbers() -> None:
    assert are_cells(rows(("oak", "12"), ("elm", "9"), ("ash", "7")))
    assert columns_of(rows(("oak", "hard"), ("elm", "soft"), ("ash", "hard"))) == Columns()


def test_prose_in_columns_is_no_table() -> None:
    sentence = "a line of prose that is as long as its column"
    columns = columns_of(rows(*[(sentence, sentence, sentence)] * 6, lefts=(0, 280, 560)))
    assert not columns.cells
    assert [box.left for box in columns.prose] == [0, 280, 560]


def test_one_column_of_prose_is_no_table() -> None:
    words = [word for top in range(0, 100, 12) for word in phrase("some words on a line", 0, top)]
    assert columns_of(words) == Columns()


def test_labels_scattered_over_a_drawing_are_no_table() -> None:
    spots = (("start", 0, 0), ("read", 180, 40), ("write", 60, 90), ("end", 220, 130), ("retry", 120, 170))
    words = [word for text, left, top in spots for word in phrase(text, left, top)]
    assert columns_of(words) == Columns()


def test_narrow_columns_of_prose_are_no_table() -> None:
    """Their lines are as short as the cells of a table, but fill the column."""
    assert not are_cells(rows(*[("lines as long as can be", "as their column is wide")] * 5, lefts=(0, 150)))
    assert not are_cells(rows(*[("lines as long as can be",) * 3] * 5, lefts=(0, 150, 300)))


def test_justified_prose_in_columns_is_prose_however_wide_its_spaces_are() -> None:
    """All words are further apart than those of a phrase."""
    texts = ("a longer word comes", "here comes a longer", "comes a longer here") * 2
    words = [
        Word(word.text, word.box._replace(left=word.box.left + 5 * number, right=word.box.right + 5 * number))
        for row, text in enumerate(texts)
        for left in (0, 170, 340)
        for number, word in enumerate(phrase(text, left, 12.0 * row))
    ]
    assert len(columns_of(words).prose) == 3
