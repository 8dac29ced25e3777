"""Headings that are neither larger nor bold: what stands under them tells."""

from __future__ import annotations

from typing import Any

import pytest

from actors.parser.bundled.geometry import Box
from actors.parser.bundled.layout.blocks import Block, Typography, find_blocks
from actors.parser.bundled.layout.detector import View
from actors.parser.bundled.layout.headings import is_heading, surroundings_of
from actors.parser.bundled.layout.lines import Line
from tests.unit.parser.bundled.layout.pages import line, paragraph, seen

USUAL = Typography(size=10, heavy=False, gap=0.3, font="/Body")


def is_heading_of(title: Line, others: list[Line]) -> bool:
    blocks = find_blocks([title, *others], [None] * (1 + len(others)), USUAL)
    block = next(each for each in blocks if title in each.lines)
    return is_heading(block, View(block.box, []), USUAL, surroundings_of(block, blocks))


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("Results", {"size": 10.8}),
        ("RESULTS OF THE YEAR", {}),
        ("2.1 Results", {}),
        ("A.3 Results", {}),
        ("Results", {"font": "/F2"}),
    ],
)
def test_a_title_over_text_is_a_heading(text: str, style: dict[str, Any]) -> None:
    assert is_heading_of(line(text, 100, width=80, **style), paragraph(118))


@pytest.mark.parametrize("style", [{"size": 10.8}, {"font": "/F2"}])
def test_a_title_close_under_other_text_is_no_heading(style: dict[str, Any]) -> None:
    above = [line("words that stand close above it", 88)]
    assert not is_heading_of(line("Results", 100, width=80, **style), [*above, *paragraph(118)])


def test_a_text_that_runs_in_another_direction_than_its_page_is_no_heading() -> None:
    assert not is_heading_of(line("Draft", 100, width=80, size=30, turned=True), paragraph(140))


def test_a_title_far_from_any_text_is_no_heading() -> None:
    assert not is_heading_of(line("RESULTS", 100, width=80), paragraph(200))


def test_a_title_over_nothing_is_no_heading() -> None:
    assert not is_heading_of(line("RESULTS", 100, width=80), [])


@pytest.mark.parametrize("style", [{"size": 10.8}, {"size": 10.8, "heavy": True}])
def test_a_line_over_larger_text_is_no_heading(style: dict[str, Any]) -> None:
    header = View(line("No. 1695", 100, width=80).box, [seen("header", Box(40, 95, 200, 140))])
    (number, *_) = blocks = find_blocks(
        [line("No. 1695", 100, width=80, **style), line("A journal", 120, width=120, size=20)], [None] * 2, USUAL
    )
    assert not is_heading(number, header, USUAL, surroundings_of(number, blocks))


def test_a_title_over_more_of_its_kind_is_no_heading() -> None:
    below = [line("ANOTHER LINE IN CAPITALS", 118)]
    assert not is_heading_of(line("RESULTS", 100, width=80), below)


@pytest.mark.parametrize("text", ["Results", "USA", "7 apples", "12.5"])
def test_a_usual_line_over_text_is_no_heading(text: str) -> None:
    assert not is_heading_of(line(text, 100, width=80, font="/Body"), paragraph(118))


def test_a_line_in_another_named_font_is_no_heading() -> None:
    assert not is_heading_of(line("Ada Byron", 100, width=80, font="/ABCDEF+Times-Italic"), paragraph(118))


def test_a_bold_title_over_text_is_a_heading_whatever_the_detector_sees() -> None:
    title = Block(((line("Results", 100, width=80, heavy=True),),))
    text = Block(tuple((each,) for each in paragraph(118)))
    view = View(title.box, [seen("text", title.box, 0.95)])
    assert is_heading(title, view, USUAL, surroundings_of(title, [title, text]))
    assert not is_heading(title, view, USUAL)


def test_a_line_of_another_column_is_not_around_a_block() -> None:
    title = Block(((line("Results", 100, width=80),),))
    beside = Block(((line("Words of the other column", 118, 320),),))
    assert surroundings_of(title, [title, beside]).below is None
