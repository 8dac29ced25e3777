"""Figures and tables hold where the lines inside don't speak against them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from docling_core.types.doc.labels import DocItemLabel

from actors.parser.bundled.geometry import Box, Word
from actors.parser.bundled.layout.detector import Detection
from actors.parser.bundled.layout.figures import find_objects
from actors.parser.bundled.layout.layout_model import regions_of
from actors.parser.bundled.layout.lines import Line
from tests.unit.parser.bundled.layout.pages import PAGE, line, paragraph, seen
from tests.unit.parser.bundled.tables.words import phrase

FRAME = Box(40, 90, 300, 300)


def labels(detections: list[Detection], lines: list[Line]) -> list[DocItemLabel]:
    return [region.label for region in find_objects(detections, lines)]


def cells(top: float, count: int) -> list[Line]:
    return [line("cell", top + 20 * row, 50 + 90 * column, width=60) for row in range(count) for column in range(2)]


LEFTS = (50, 204, 358)


def columns_of_prose(lefts: Sequence[float]) -> tuple[list[Line], list[Word]]:
    """Columns with these left edges, 142.5 wide, as lines and as words."""
    text = "some words that fill the line"
    spots = [(left, 100.0 + 13 * row) for row in range(6) for left in lefts]
    lines = [line(text, top, left, width=142.5) for left, top in spots]
    return lines, [word for left, top in spots for word in phrase(text, left, top)]


def test_a_figure_without_text_is_a_picture() -> None:
    assert labels([seen("figure", FRAME)], []) == [DocItemLabel.PICTURE]


def test_a_figure_full_of_prose_is_none() -> None:
    assert labels([seen("figure", FRAME)], paragraph(100, 12)) == []


def test_a_drawing_keeps_its_labels() -> None:
    inside = [line("Input", 100, width=30), line("Output", 280, width=30)]
    assert labels([seen("figure", FRAME)], [*inside, *paragraph(400)]) == [DocItemLabel.PICTURE]


def test_a_picture_never_hides_most_of_a_page() -> None:
    inside = [line("Input", 100, width=30), line("Output", 280, width=30)]
    assert labels([seen("figure", FRAME)], [*inside, line("17", 780, width=10)]) == []


def test_columns_of_text_taken_for_a_figure_are_a_table() -> None:
    assert labels([seen("figure", Box(40, 95, 220, 180))], cells(100, 4)) == [DocItemLabel.TABLE]


def test_a_caption_at_the_edge_of_a_figure_is_left_out_of_it() -> None:
    (region,) = find_objects([seen("figure", FRAME)], [line("Figure 1. Apples", 285, width=80), *paragraph(400)])
    assert region.box.bottom == 285


def test_a_table_needs_columns() -> None:
    assert labels([seen("table", FRAME)], cells(100, 4)) == [DocItemLabel.TABLE]
    assert labels([seen("table", FRAME)], paragraph(100, 6)) == []


def test_a_watermark_makes_no_table_of_the_lines_that_it_crosses() -> None:
    mark = line("Draft", 100, 60, width=200, size=150, turned=True)
    assert labels([seen("table", FRAME)], [*paragraph(100, 6), mark]) == []


@pytest.mark.parametrize("label", ["table", "figure"])
def test_columns_of_prose_are_no_table_and_stay_columns(label: str) -> None:
    lines, prose = columns_of_prose(LEFTS)
    regions = find_objects([seen(label, Box(40, 90, 510, 300))], lines, prose)
    assert [(region.label, region.box.left) for region in regions] == [(DocItemLabel.TEXT, left) for left in LEFTS]


def test_lines_of_columns_that_stand_close_together_are_not_joined() -> None:
    """The gap is as wide as one between words on a line."""
    lines, prose = columns_of_prose(LEFTS)
    regions = regions_of(lines, [seen("table", Box(40, 90, 510, 300))], [], PAGE, prose)
    assert [(region.box.left, region.box.right) for region in regions] == [(left, left + 142.5) for left in LEFTS]


def test_a_table_without_text_may_be_a_picture_of_one() -> None:
    assert labels([seen("table", FRAME)], []) == [DocItemLabel.TABLE]


def test_prose_framed_with_a_table_is_cut_off() -> None:
    prose = [line("a sentence that runs over all of the width", 250, width=240)]
    (region,) = find_objects([seen("table", FRAME)], [*cells(100, 4), *prose])
    assert region.box.bottom == 250


@pytest.mark.parametrize("name", ["Table lamp", "Table {}"])
def test_a_table_of_tables_is_one(name: str) -> None:
    named = [line(name.format(row), 100 + 20 * row, width=60) for row in range(4)]
    described = [line("brass, matt", 100 + 20 * row, 200, width=60) for row in range(4)]
    (region,) = find_objects([seen("table", FRAME)], [*named, *described])
    assert region.label is DocItemLabel.TABLE


def test_a_caption_framed_with_a_table_is_left_out_of_it() -> None:
    (region,) = find_objects([seen("table", FRAME)], [line("Table 1. Lamps", 100), *cells(120, 4)])
    assert region.box.top == 110


def test_program_code_is_no_table() -> None:
    lines = [line("x", 100, 50, width=20, fixed_pitch=True), line("= 1", 100, 150, width=20, fixed_pitch=True)]
    assert labels([seen("table", FRAME)], lines) == []


def test_where_a_figure_may_be_a_table_it_is_one() -> None:
    assert labels([seen("figure", FRAME, 0.9), seen("table", FRAME, 0.6)], []) == [DocItemLabel.TABLE]


def test_what_the_detector_doubts_is_left_out() -> None:
    assert labels([seen("figure", FRAME, 0.4)], []) == []


def test_a_table_grows_over_a_column_beside_it_that_the_detector_missed() -> None:
    names = [line("oak tree", 100 + 20 * row, 10, width=28) for row in range(4)]
    (region,) = find_objects([seen("table", FRAME)], [*names, *cells(100, 4)])
    assert region.box.left == 10


def test_a_table_does_not_grow_over_prose_beside_it() -> None:
    prose = paragraph(100, 6, left=320)
    (region,) = find_objects([seen("table", FRAME)], [*cells(100, 4), *prose])
    assert region.box.right == FRAME.right


def test_a_form_is_no_table() -> None:
    form = [
        line(text, 100 + 20 * row, left, width=60) for row in range(4) for text, left in (("Name:", 50), ("Ada", 140))
    ]
    assert labels([seen("table", FRAME)], form) == []
